"""The checker finds what is broken: on builds that were broken on purpose, each for its own reason."""

from __future__ import annotations

import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from chaos import strange_worker
from chaos.books import Accepted, Books, DeadJob, LedgerEntry, OpenJob, Row
from chaos.checker import Fault, check
from chaos.crew import Ending
from chaos.sabotage import Sabotage, break_build
from chaos.scene import Scene

from gtr_jobs.dev.standins.exchange import Stall
from gtr_jobs.dev.standins.script import AfterAccepting, Slow

pytestmark = pytest.mark.timeout(60)

STRANGE_WORKER = Path(strange_worker.__file__)
# No queue that is stuck for good gets better by waiting.
_GIVE_UP_SECONDS = 3.0


@pytest.mark.parametrize(
    ("sabotage", "found"),
    [
        ("acks dropped", {"unfinished", "unowned", "lost"}),
        ("jobs forgotten", {"lost"}),
        ("not enqueued", {"lost"}),
    ],
)
async def test_a_build_that_loses_jobs_is_found_out(
    duo: Scene, sabotage: Sabotage, found: set[Fault]
) -> None:
    """No fault is needed: a few rows and a worker."""
    await break_build(duo, sabotage)
    await duo.crew.start()
    await duo.writer.write(5)
    if sabotage != "not enqueued":
        await duo.providers.ledger.wait_for(5)

    verdict = await duo.finish(seconds=_GIVE_UP_SECONDS)

    assert verdict.faults == found, str(verdict)
    assert verdict.lost == 5


async def test_a_build_without_a_fence_is_found_out(duo: Scene) -> None:
    """The ack of a worker that was given up for dead counts, and what its successor resent is not reported."""
    await break_build(duo, "fence off")
    duo.providers.fcm.script.add(Slow(3.0), times=2)
    first = await duo.crew.start()
    await duo.writer.write(1)
    await duo.providers.ledger.wait_for(1)
    first.send(signal.SIGSTOP)
    await duo.let_silence_pass(first)
    await duo.crew.start()
    await duo.providers.ledger.wait_for(2, timeout=20)
    first.send(signal.SIGCONT)

    verdict = await duo.finish()

    assert verdict.faults == {"doubled"}, str(verdict)


@pytest.mark.parametrize(
    ("sabotage", "found"),
    [
        ("rescue off", {"unfinished", "unowned", "lost"}),
        ("resent unreported", {"doubled"}),
    ],
)
async def test_a_build_that_does_not_care_for_the_dead_is_found_out(
    duo: Scene, sabotage: Sabotage, found: set[Fault]
) -> None:
    """A worker is killed after the provider took its message."""
    await break_build(duo, sabotage)
    duo.providers.fcm.script.add(AfterAccepting(Stall()))
    first = await duo.crew.start()
    await duo.writer.write(1)
    await duo.until_stalled()
    await duo.crew.kill(first)
    await duo.let_silence_pass(first)
    await duo.crew.start()

    verdict = await duo.finish(seconds=_GIVE_UP_SECONDS)

    assert verdict.faults == found, str(verdict)


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ("leak", "leaked"),
        ("twice", "doubled"),
        ("silent", "unsent"),
        ("wrong_exit", "exit_code"),
        ("traceback", "traceback"),
    ],
)
async def test_a_strange_worker_is_found_out(duo: Scene, fault: str, found: Fault) -> None:
    """A worker process with a fault of its own drains the queue in its own way."""
    await duo.crew.start(command=(sys.executable, str(STRANGE_WORKER), fault))
    await duo.writer.write(3)

    verdict = await duo.finish()

    assert verdict.faults == {found}, str(verdict)


TOKEN = "token-1"
ROW = Row(UUID(int=1), "trace-1", "content 1", "committed", {TOKEN: UUID(int=2)})
SENT = LedgerEntry(UUID(int=2), "trace-1", "sent", resent_after_unknown=False)
ACCEPTED = Accepted(TOKEN, "content 1")


def _books() -> Books:
    """Give the books of one row that was sent once."""
    return Books(
        rows=[ROW],
        present={ROW.row_id},
        ended={"trace-1": 1},
        ledger=[SENT],
        accepted=[ACCEPTED],
        endings=[Ending(1, 0, "stopped"), Ending(2, -9, "killed")],
    )


def test_books_that_agree_have_no_findings() -> None:
    """One row, one acceptance, one end."""
    verdict = check(_books())

    assert not verdict.findings, str(verdict)
    assert (verdict.jobs, verdict.lost, verdict.doubled, verdict.resent) == (1, 0, 0, 0)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"present": set()}, {"vanished", "unfounded"}),
        ({"rows": [replace(ROW, fate="refused")]}, {"unfounded"}),
        ({"rows": []}, {"unfounded"}),
        ({"ended": {}}, {"lost"}),
        ({"ended": {"trace-1": 2}}, {"lost"}),
        ({"ledger": []}, {"lost"}),
        ({"ledger": [replace(SENT, state="unknown")]}, {"lost"}),
        ({"accepted": []}, {"unsent"}),
        ({"accepted": [ACCEPTED, ACCEPTED]}, {"doubled"}),
        ({"open_jobs": [OpenJob(7, "trace-7", "todo", None)]}, {"unfinished"}),
        ({"open_jobs": [OpenJob(7, "trace-7", "doing", 1)]}, {"unfinished", "unowned"}),
        ({"in_flight": 1.0}, {"unowned"}),
        ({"longest_ownerless": 61.0}, {"ownerless"}),
        ({"lines": [("a log", "it says secret")], "secrets": ["secret"]}, {"leaked"}),
        ({"lines": [("a log", "Traceback (most recent call last):")]}, {"traceback"}),
        ({"endings": [Ending(1, 1, "stopped")]}, {"exit_code"}),
        ({"endings": [Ending(1, 70, "nobody")]}, {"exit_code"}),
    ],
)
def test_books_that_disagree_are_found_out(changes: dict[str, Any], found: set[Fault]) -> None:
    """One thing is changed in books that agree."""
    assert check(replace(_books(), **changes)).faults == found


def test_what_was_reported_as_resent_is_counted_and_no_fault() -> None:
    """By the ledger, or by the list of the dead as often as it says."""
    doubled = replace(_books(), accepted=[ACCEPTED, ACCEPTED])
    by_ledger = check(replace(doubled, ledger=[replace(SENT, resent_after_unknown=True)]))
    quarantined = DeadJob(7, "trace-1", "quarantined", lost_claims=2)
    by_the_dead = check(replace(doubled, ledger=[], dead_jobs=[quarantined]))
    too_often = check(replace(doubled, ledger=[], dead_jobs=[replace(quarantined, lost_claims=1)]))

    assert [(one.resent, one.doubled) for one in (by_ledger, by_the_dead, too_often)] == [
        (1, 0),
        (1, 0),
        (0, 1),
    ]


def test_a_row_that_was_not_enqueued_is_counted_where_the_trigger_said_so() -> None:
    """The trigger never fails the app's statement: what it could not do stands in enqueue_errors."""
    trace_id = uuid4().hex
    row = replace(ROW, row_id=uuid4(), trace_id=trace_id, content="content 2", deliveries={})
    books = _books()
    verdict = check(
        replace(
            books,
            rows=[*books.rows, row],
            present={*books.present, row.row_id},
            unqueued={trace_id},
        )
    )

    assert not verdict.findings, str(verdict)
    assert (verdict.jobs, verdict.unqueued) == (2, 1)


def test_a_worker_may_end_by_itself_only_where_it_can_lose_its_database() -> None:
    """Exit 70 and 75 are what the watchdog and a start without a database give."""
    books = replace(_books(), endings=[Ending(1, 70, "nobody"), Ending(2, 75, "nobody")])

    assert not check(books, may_lose_database=True).findings
    assert check(books).faults == {"exit_code"}
