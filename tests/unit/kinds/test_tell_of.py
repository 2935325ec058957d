"""A notification's data is whatever its writer put there: every kind words it all the same."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from gtr_jobs.domain.sources import NOTIFICATIONS, AppNotification
from gtr_jobs.kinds import KINDS
from gtr_jobs.kinds.base import Kind, Notice
from gtr_jobs.kinds.forum_comment import ForumComment
from gtr_jobs.kinds.forum_reply import ForumReply
from gtr_jobs.kinds.listing_favorited import ListingFavorited

ROW, PERSON = UUID(int=1, version=4), UUID(int=2, version=4)
POST, COMMENT = UUID(int=3, version=4), UUID(int=4, version=4)
OF_NOTIFICATIONS = [kind for kind in KINDS if kind.source == NOTIFICATIONS]

KEYS = ("listing_id", "event_id", "post_id", "comment_id")
# What stands where an id should.
ODD: list[Any] = [None, "", "../../etc?x=1", ["a", {"b": 1}], 10**400, {}]


def _row(title: str = "T", body: str = "B", **data: Any) -> AppNotification:
    return AppNotification(ROW, PERSON, "any", title, body, data)


@pytest.mark.parametrize("kind", OF_NOTIFICATIONS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("odd", ODD, ids=lambda odd: type(odd).__name__)
def test_data_without_an_id_leads_to_the_list_of_notifications(kind: Kind[Any], odd: Any) -> None:
    """Nothing of it reaches a link; the notification itself is what collapses."""
    notice = kind.tell(_row(**{key: odd for key in KEYS if odd != {}}))
    assert (notice.title, notice.body, notice.path) == ("T", "B", "notifications")
    assert notice.collapse_id == f"{kind.name}-{ROW}"
    assert notice.data == {"notification_id": str(ROW)}


@pytest.mark.parametrize("kind", OF_NOTIFICATIONS, ids=lambda kind: kind.name)
def test_a_notification_without_a_title_gets_one(kind: Kind[Any]) -> None:
    """A phone shows nothing without."""
    assert kind.tell(_row(title="", body="")).title


@pytest.mark.parametrize("kind", [ForumComment(), ForumReply()], ids=lambda kind: kind.name)
def test_what_people_say_stands_side_by_side(kind: Kind[Any]) -> None:
    """Two comments of one post are two notifications in one group, and lead to the post."""
    one = kind.tell(_row(post_id=str(POST), comment_id=str(COMMENT)))
    other = kind.tell(_row(post_id=str(POST), comment_id=str(PERSON)))
    assert one.path == other.path == f"forum/{POST}"
    assert one.thread_id == other.thread_id == f"post-{POST}"
    assert one.collapse_id == f"{kind.name}-{COMMENT}" != other.collapse_id


def test_likes_of_one_thing_are_one_notification() -> None:
    """The newest takes the place of the one before."""
    listing = str(POST)
    first, second = (
        ListingFavorited().tell(
            AppNotification(UUID(int=n, version=4), PERSON, "", t, "", {"listing_id": listing})
        )
        for n, t in ((7, "A likes it"), (8, "B likes it"))
    )
    assert isinstance(first, Notice)
    assert first.collapse_id == second.collapse_id == f"listing_favorited-{listing}"
    assert first.data["notification_id"] != second.data["notification_id"]
