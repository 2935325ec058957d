"""What a kind of notification decides, and how those of the app's own notifications are worded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from gtr_jobs.domain.push import Urgency
from gtr_jobs.domain.sources import AppNotification, Source

RowT_contra = TypeVar("RowT_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class Notice:
    """What a person is told, before it is fitted to any platform.

    Args:
        title: One line.
        body: The text under it.
        path: Deep link below the app's scheme, as in `chat/<id>`.
        thread_id: Groups notifications on the lock screen.
        collapse_id: Another notice with the same id takes the place of this one; at most 64 bytes.
        data: Ids for the app, beside the link.
    """

    title: str = field(repr=False)
    body: str = field(repr=False)
    path: str
    thread_id: str
    collapse_id: str
    data: Mapping[str, str] = field(default_factory=dict)


class Kind(Protocol, Generic[RowT_contra]):
    """One kind of notification: who gets it stands in the row; the rest is decided here.

    A kind of which one event tells many people may say so with `is_bulk = True`: it then goes slower
    in the minutes in which providers ask for less.
    """

    @property
    def name(self) -> str:
        """The kind of job, as `gtr_jobs.job_kinds` and the app's types have it."""

    @property
    def source(self) -> Source[Any]:
        """Where the rows that it is about are read."""

    @property
    def time_to_live(self) -> timedelta:
        """How long after its event it is of use; an older one is not sent any more."""

    @property
    def urgency(self) -> Urgency:
        """Whether it wakes the device."""

    def tell(self, row: RowT_contra) -> Notice:
        """Word the notice."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A thing of the app that notifications are about.

    Args:
        id_key: Where a notification's data holds its id.
        place: Its deep link, without the id.
        thread: Its notifications are grouped under this and its id.
    """

    id_key: str
    place: str
    thread: str


LISTING = Topic("listing_id", "listings", "listing")
EVENT = Topic("event_id", "events", "event")
POST = Topic("post_id", "forum", "post")

# Leads somewhere, where a notification does not say what it is about.
_LIST_OF_NOTIFICATIONS = "notifications"


def tell_of(
    topic: Topic,
    row: AppNotification,
    *,
    kind: str,
    title: str,
    ids: tuple[str, ...] = (),
    one_per: str | None = None,
) -> Notice:
    """Word a notice of what one of the app's notifications is about, in the app's own words.

    Args:
        topic: What it is about; a tap leads there.
        row: The notification.
        kind: Begins the collapse id.
        title: Stands where the app wrote none.
        ids: What the app needs of the data, beside the topic's id.
        one_per: The id in the data of which there is one notification on the screen, the newest;
            unless given, the topic's.
    """
    known = _read_ids(row, (topic.id_key, *ids))
    topic_id = known.get(topic.id_key)
    group = topic_id or str(row.row_id)
    return Notice(
        title=row.title or title,
        body=row.body,
        path=f"{topic.place}/{topic_id}" if topic_id else _LIST_OF_NOTIFICATIONS,
        thread_id=f"{topic.thread}-{group}",
        collapse_id=f"{kind}-{known.get(one_per or topic.id_key, row.row_id)}",
        data={"notification_id": str(row.row_id), **known},
    )


def _read_ids(row: AppNotification, keys: tuple[str, ...]) -> dict[str, str]:
    """Read ids from a row's data, which holds whatever its writer put there; leave out what is none."""
    ids = {}
    for key in keys:
        try:
            ids[key] = str(UUID(str(row.data.get(key))))
        except ValueError:
            continue
    return ids
