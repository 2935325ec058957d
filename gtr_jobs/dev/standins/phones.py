"""The phones that the stand-ins know: which app is on them, and since when it is not."""

from __future__ import annotations

import base64
import secrets
import time
from dataclasses import dataclass, field, replace
from typing import Literal

PhoneKind = Literal["fcm", "apns", "expo"]


@dataclass(frozen=True, slots=True)
class Phone:
    """One installation of an app.

    Args:
        token: Its address.
        app: What it belongs to: a Firebase project, an APNs topic or an Expo experience
            ("@owner/slug"). Empty: to whichever app writes to it.
        sandbox: Whether the token is of APNs' development environment; None: of whichever asks.
        uninstalled_at: When the app was removed, in seconds since 1970; None while it is there.
    """

    token: str = field(repr=False)
    app: str = ""
    sandbox: bool | None = None
    uninstalled_at: float | None = None

    def belongs_to(self, app: str) -> bool:
        """Whether this app may write to it."""
        return self.app in {"", app}


class Phones:
    """The registry that all stand-ins share.

    Args:
        strict: Whether a token that was never registered here is refused, as the provider would.
            By default it is taken for a valid one, so that people can try tokens of their own.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict
        self._phones: dict[str, Phone] = {}

    def add(self, token: str, *, app: str = "", sandbox: bool | None = None) -> Phone:
        """Register a phone, or register it again with the app installed."""
        phone = Phone(token, app, sandbox)
        self._phones[token] = phone
        return phone

    def add_new(self, kind: PhoneKind, *, app: str = "", sandbox: bool | None = None) -> str:
        """Register a phone with a token of the provider's usual shape, and give the token."""
        return self.add(_MAKERS[kind](), app=app, sandbox=sandbox).token

    def uninstall(self, token: str, at: float | None = None) -> None:
        """Remove the app from a phone.

        Args:
            token: Need not be registered yet.
            at: When it happened, in seconds since 1970; now by default.
        """
        phone = self._phones.get(token, Phone(token))
        self._phones[token] = replace(phone, uninstalled_at=time.time() if at is None else at)

    def find(self, token: str) -> Phone | None:
        """Look a token up; None when it is unknown and unknown ones are refused."""
        phone = self._phones.get(token)
        if phone is None and not self.strict:
            return Phone(token)
        return phone

    def clear(self) -> None:
        """Forget all phones."""
        self._phones.clear()

    def __len__(self) -> int:
        return len(self._phones)


def make_fcm_token() -> str:
    """Make a registration token: an instance id, a colon and 140 signs."""
    return f"{_signs(22)}:APA91b{_signs(134)}"


def make_apns_token() -> str:
    """Make a device token: 32 bytes in hexadecimal."""
    return secrets.token_hex(32)


def make_expo_token() -> str:
    """Make an Expo push token."""
    return f"ExponentPushToken[{_signs(22)}]"


def _signs(count: int) -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(count))[:count].decode()


_MAKERS = {"fcm": make_fcm_token, "apns": make_apns_token, "expo": make_expo_token}
