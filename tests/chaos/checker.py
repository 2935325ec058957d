"""The checker: whether what went in came out, once, and nobody kept quiet about it.

It knows nothing of how the worker works: it compares what the app committed, what the providers took, and
what we said of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from chaos.books import Books, Row
from chaos.crew import Asked

Fault = Literal[
    "vanished",  # the app was told that a row is committed, and it is not there
    "lost",  # a committed row whose job came to no end
    "unfinished",  # a job that is still in the queue
    "unsent",  # our ledger says sent, and no provider took it
    "unfounded",  # a provider took what was never committed
    "doubled",  # a provider took it twice, and we did not say so
    "ownerless",  # a job was done by nobody for too long
    "unowned",  # the worker holds other jobs than the database says
    "leaked",  # content or an address where outsiders read
    "exit_code",  # a worker ended otherwise than it was asked to
    "traceback",  # a worker printed one
]

# How long a job may be `doing` without a live owner.
LONGEST_OWNERLESS_SECONDS = 60.0
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it must be."""

    fault: Fault
    what: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the checker says.

    Args:
        jobs: Rows that were committed.
        lost: Of these, those whose job came to no end.
        doubled: Messages that a provider took more than once without our saying so.
        resent: Messages that a provider took more than once and we said so.
        dead: Jobs that ended on the list of the dead.
        unqueued: Rows whose trigger could not enqueue, and said so.
        findings: All that is wrong.
    """

    jobs: int
    lost: int
    doubled: int
    resent: int
    dead: int
    unqueued: int
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> set[Fault]:
        """What kinds of thing are wrong."""
        return {finding.fault for finding in self.findings}

    def __str__(self) -> str:
        """Say what is wrong, a few of each kind."""
        by_fault: defaultdict[str, list[str]] = defaultdict(list)
        for finding in self.findings:
            by_fault[finding.fault].append(finding.what)
        said = [
            f"{fault}: {len(all_of)}: " + "; ".join(all_of[:_SHOWN])
            for fault, all_of in by_fault.items()
        ]
        return "\n".join(said) or "all is well"


def check(books: Books, *, may_lose_database: bool = False) -> Verdict:
    """Compare the books.

    Args:
        books: What a scene left behind.
        may_lose_database: Whether workers may have ended by themselves, as they do without a database.
    """
    committed = [row for row in books.rows if row.row_id in books.present]
    times_accepted = _times_accepted(books, committed)
    doubles = {delivery for delivery, times in times_accepted.items() if times > 1}
    reported = _reported(books, committed)
    findings = (
        *_vanished(books),
        *_unended(books, committed),
        *(Finding("unfinished", f"job {job.job_id} is {job.status}") for job in books.open_jobs),
        *_unsent(books, committed),
        *_unfounded(books, committed),
        *(Finding("doubled", f"delivery {delivery}") for delivery in sorted(doubles - reported)),
        *_unowned(books),
        *_leaked(books),
        *_wrong_ends(books, may_lose_database=may_lose_database),
    )
    return Verdict(
        jobs=len(committed),
        lost=sum(finding.fault in {"lost", "vanished"} for finding in findings),
        doubled=sum(finding.fault == "doubled" for finding in findings),
        resent=len(doubles & reported),
        dead=len(books.dead_jobs),
        unqueued=sum(row.trace_id in books.unqueued for row in committed),
        findings=findings,
    )


def _vanished(books: Books) -> Iterator[Finding]:
    for row in books.rows:
        if row.fate == "committed" and row.row_id not in books.present:
            yield Finding("vanished", f"row {row.row_id} was committed, and is gone")
        if row.fate == "refused" and row.row_id in books.present:
            yield Finding("unfounded", f"row {row.row_id} was refused, and is there")


def _unended(books: Books, committed: list[Row]) -> Iterator[Finding]:
    """Every committed row is on the dead list, or in the history with a settled delivery a device."""
    settled = {
        entry.dedupe_key
        for entry in books.ledger
        if entry.state not in {"queued", "sending", "unknown"}
    }
    dead = {job.trace_id for job in books.dead_jobs}
    for row in committed:
        times = books.ended.get(row.trace_id, 0)
        if row.trace_id in books.unqueued and times == 0:
            continue
        if times != 1:
            yield Finding("lost", f"row {row.row_id} ended {times} times")
        elif row.trace_id not in dead and not settled.issuperset(row.deliveries.values()):
            yield Finding("lost", f"row {row.row_id} ended, and a device of it did not")


def _unsent(books: Books, committed: list[Row]) -> Iterator[Finding]:
    said_sent = {entry.dedupe_key for entry in books.ledger if entry.state == "sent"}
    accepted = _times_accepted(books, committed)
    for row in committed:
        for delivery in row.deliveries.values():
            if delivery in said_sent and str(delivery) not in accepted:
                yield Finding("unsent", f"delivery {delivery} is said to be sent")


def _unfounded(books: Books, committed: list[Row]) -> Iterator[Finding]:
    contents = {row.content for row in committed}
    strangers = sum(entry.content not in contents for entry in books.accepted)
    if strangers:
        yield Finding("unfounded", f"{strangers} messages of no committed row were accepted")


def _unowned(books: Books) -> Iterator[Finding]:
    if books.longest_ownerless > LONGEST_OWNERLESS_SECONDS:
        seconds = round(books.longest_ownerless)
        yield Finding("ownerless", f"a job was doing without a live owner for {seconds} s")
    doing = sum(job.status == "doing" for job in books.open_jobs)
    if doing != books.in_flight:
        yield Finding(
            "unowned", f"{doing} jobs are doing, and workers hold {books.in_flight:g} of them"
        )


def _leaked(books: Books) -> Iterator[Finding]:
    for place, line in books.lines:
        if any(secret in line for secret in books.secrets):
            # The line itself is not shown: what it says must not be said here either.
            yield Finding("leaked", f"in {place}")
        if line.startswith("Traceback"):
            yield Finding("traceback", f"in {place}")


def _wrong_ends(books: Books, *, may_lose_database: bool) -> Iterator[Finding]:
    # 70: the watchdog, or a fault of ours. 75: no database when it started.
    alone = {70, 75} if may_lose_database else set()
    right: dict[Asked, set[int]] = {"killed": {-9}, "stopped": {0}, "nobody": set()}
    for ending in books.endings:
        if ending.code not in right[ending.asked] | alone:
            asked = "" if ending.asked == "nobody" else f", {ending.asked}"
            yield Finding("exit_code", f"worker {ending.number}{asked}: {ending.code}")


def _times_accepted(books: Books, committed: list[Row]) -> Counter[str]:
    """Count how often a provider took each delivery."""
    deliveries = {
        (token, row.content): str(delivery)
        for row in committed
        for token, delivery in row.deliveries.items()
    }
    return Counter(
        deliveries[entry.token, entry.content]
        for entry in books.accepted
        if (entry.token, entry.content) in deliveries
    )


def _reported(books: Books, committed: list[Row]) -> set[str]:
    """List the deliveries of which we said that they may have been sent more than once.

    Either the ledger says so, or the job is dead and the list of the dead says how often it was lost.
    """
    said = {str(entry.dedupe_key) for entry in books.ledger if entry.resent_after_unknown}
    lost = {job.trace_id: job.lost_claims for job in books.dead_jobs}
    times = _times_accepted(books, committed)
    for row in committed:
        if row.trace_id in lost:
            deliveries = map(str, row.deliveries.values())
            said.update(one for one in deliveries if times[one] <= lost[row.trace_id])
    return said
