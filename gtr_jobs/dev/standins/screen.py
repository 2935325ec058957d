"""What a phone shows of what was sent to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gtr_jobs.dev.standins.ledger import Acceptance


@dataclass(frozen=True, slots=True)
class Shown:
    """A notification as a person sees it.

    Args:
        title: The line in bold.
        body: The text under it.
        badge: The number on the app's icon; None leaves it as it is.
        thread: Groups notifications.
        collapse_id: A later notification of the same id takes this one's place.
        url: What a tap opens.
    """

    title: str = ""
    body: str = ""
    badge: int | None = None
    thread: str = ""
    collapse_id: str = ""
    url: str = ""

    @property
    def is_visible(self) -> bool:
        """Whether there is anything to see; a background push shows nothing."""
        return bool(self.title or self.body)


def show(entry: Acceptance) -> Shown:
    """Tell how one message looks on the phone that gets it."""
    return _SHOW[entry.provider](entry)


def show_all(entries: Iterable[Acceptance]) -> list[Shown]:
    """Tell what stands on one phone's screen after all of these, oldest first."""
    screen: dict[str, Shown] = {}
    for entry in entries:
        shown = show(entry)
        if shown.is_visible:
            key = shown.collapse_id or f"message {entry.number}"
            screen.pop(key, None)
            screen[key] = shown
    return list(screen.values())


def _show_fcm(entry: Acceptance) -> Shown:
    """FCM reaches Android and iOS; what is said for one of them wins over what is said for both."""
    message = entry.payload
    common = _part(message, "notification")
    android = _part(message, "android")
    on_android = _part(android, "notification")
    apns = _part(message, "apns")
    aps = _part(apns, "payload", "aps")
    badge = on_android.get("notification_count", aps.get("badge"))
    return Shown(
        title=_text(on_android, "title") or _text(common, "title") or _text(aps, "alert", "title"),
        body=_text(on_android, "body") or _text(common, "body") or _text(aps, "alert", "body"),
        badge=badge if isinstance(badge, int) else None,
        thread=_text(aps, "thread-id"),
        collapse_id=_text(on_android, "tag")
        or _text(apns, "headers", "apns-collapse-id")
        or _text(android, "collapse_key"),
        url=_text(message, "data", "url"),
    )


def _show_apns(entry: Acceptance) -> Shown:
    aps = _part(entry.payload, "aps")
    alert = aps.get("alert")
    badge = aps.get("badge")
    return Shown(
        title=_text(aps, "alert", "title"),
        body=alert if isinstance(alert, str) else _text(aps, "alert", "body"),
        badge=badge if isinstance(badge, int) else None,
        thread=_text(aps, "thread-id"),
        collapse_id=entry.headers.get("apns-collapse-id", ""),
        url=_text(entry.payload, "url"),
    )


def _show_expo(entry: Acceptance) -> Shown:
    message = entry.payload
    badge = message.get("badge")
    return Shown(
        title=_text(message, "title"),
        body=_text(message, "body"),
        badge=badge if isinstance(badge, int) else None,
        thread=_text(message, "threadId"),
        collapse_id=_text(message, "collapseId") or _text(message, "tag"),
        url=_text(message, "data", "url"),
    )


def _show_twilio(entry: Acceptance) -> Shown:
    return Shown(body=_text(entry.payload, "Body"))


def _show_plivo(entry: Acceptance) -> Shown:
    return Shown(body=_text(entry.payload, "text"))


def _show_smtp(entry: Acceptance) -> Shown:
    return Shown(title=_text(entry.payload, "subject"), body=_text(entry.payload, "text"))


_SHOW = {
    "fcm": _show_fcm,
    "apns": _show_apns,
    "expo": _show_expo,
    "twilio": _show_twilio,
    "plivo": _show_plivo,
    "smtp": _show_smtp,
}


def _part(value: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    """Walk down to an object; an empty one where there is none."""
    for name in path:
        inner = value.get(name)
        if not isinstance(inner, dict):
            return {}
        value = inner
    return value


def _text(value: Mapping[str, Any], *path: str) -> str:
    """Walk down to a text; an empty one where there is none."""
    found = _part(value, *path[:-1]).get(path[-1])
    return found if isinstance(found, str) else ""
