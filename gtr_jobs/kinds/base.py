"""What a kind of notification decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Generic, Protocol, TypeVar

from gtr_jobs.domain.push import Urgency
from gtr_jobs.domain.sources import SourceName

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
    """One kind of notification: who gets it stands in the row; the rest is decided here."""

    @property
    def name(self) -> str:
        """The kind of job, as `gtr_jobs.job_kinds` and the app's types have it."""

    @property
    def source(self) -> SourceName:
        """The table whose rows it is about."""

    @property
    def time_to_live(self) -> timedelta:
        """How long after its event it is of use; an older one is not sent any more."""

    @property
    def urgency(self) -> Urgency:
        """Whether it wakes the device."""

    def tell(self, row: RowT_contra) -> Notice:
        """Word the notice."""
