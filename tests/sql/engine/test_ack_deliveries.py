"""gtr_jobs.ack_jobs(): what it keeps of deliveries and devices."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg import AsyncConnection
from support.jobs import (
    REGISTERED_AT,
    Claimed,
    ack,
    claim,
    delivery_of,
    end_of,
    fetch_rows,
    fetch_value,
    put_jobs,
    read_deliveries,
    register_worker,
)
from support.people import create_device, create_person

KEY = UUID("00000000-0000-4000-8000-00000000000a")
TOKEN = "ExponentPushToken[a-token]"
LEDGER = """
    select state::text, outcome::text, code, attempts, resent_after_unknown, provider_id
    from gtr_jobs.deliveries
"""


@pytest.fixture
async def worker_id(worker: AsyncConnection) -> int:
    """A worker on the register."""
    return await register_worker(worker)


@pytest.fixture
async def job(admin: AsyncConnection, worker: AsyncConnection, worker_id: int) -> Claimed:
    """A job that the worker has claimed."""
    await put_jobs(admin)
    (claimed,) = await claim(worker, worker_id)
    return claimed


class Runs:
    """Runs one job again and again, and writes what came of its one delivery."""

    def __init__(self, worker: AsyncConnection, worker_id: int, job: Claimed) -> None:
        self._worker = worker
        self._worker_id = worker_id
        self._job: Claimed | None = job

    async def write(self, state: str, outcome: str, **more: object) -> None:
        """Write a delivery with a run that is to be repeated."""
        job = self._job or (await claim(self._worker, self._worker_id))[0]
        self._job = None
        written = delivery_of(job, dedupe_key=KEY, state=state, outcome=outcome, **more)
        assert await ack(self._worker, self._worker_id, end_of(job, "retry"), deliveries=[written])


@pytest.fixture
def runs(worker: AsyncConnection, worker_id: int, job: Claimed) -> Runs:
    """Runs of one job."""
    return Runs(worker, worker_id, job)


async def test_a_delivery_is_kept_whole(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int, job: Claimed
) -> None:
    """Everything that was said of it, under the day of its event and the job's trace."""
    user_id, device_id = uuid4(), uuid4()
    written = delivery_of(job, dedupe_key=KEY, user_id=user_id, device_id=device_id)
    await ack(worker, worker_id, end_of(job), deliveries=[written])
    assert await read_deliveries(admin) == [
        (
            job.event_day, KEY, "message", "push", "apns", user_id, device_id, "sent",
            "accepted", "", "a-1", 1, False, job.job_id, job.trace_id,
        )
    ]  # fmt: skip


@pytest.mark.parametrize("first", ["queued", "sending", "unknown"])
async def test_an_open_delivery_is_brought_up_to_date(
    admin: AsyncConnection, runs: Runs, first: str
) -> None:
    """A later attempt settles it; attempts are counted."""
    await runs.write(first, "retry", code="ServiceUnavailable", provider_id=None)
    await runs.write("sent", "accepted", provider_id="a-2")
    assert await fetch_rows(admin, LEDGER) == [("sent", "accepted", "", 2, False, "a-2")]


@pytest.mark.parametrize(
    "settled", ["sent", "delivered", "undelivered", "failed", "skipped", "expired"]
)
async def test_a_settled_delivery_stays_settled(
    admin: AsyncConnection, runs: Runs, settled: str
) -> None:
    """Whatever a later run says of it."""
    await runs.write(settled, "rejected", code="first", provider_id="a-1")
    await runs.write("queued", "retry", code="second", provider_id="a-2", resent=True)
    assert await fetch_rows(admin, LEDGER) == [(settled, "rejected", "first", 1, False, "a-1")]


async def test_that_it_may_have_been_sent_twice_is_not_forgotten(
    admin: AsyncConnection, runs: Runs
) -> None:
    """One attempt after an unknown one marks the delivery for good."""
    await runs.write("unknown", "ambiguous", code="reset", provider_id=None)
    await runs.write("queued", "throttled", code="429", provider_id=None, resent=True)
    await runs.write("sent", "accepted", provider_id="a-3")
    assert await fetch_rows(admin, LEDGER) == [("sent", "accepted", "", 3, True, "a-3")]


@pytest.mark.parametrize("days_ago", [0, 1, 400])
async def test_a_delivery_belongs_to_the_day_of_its_event(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int, days_ago: int
) -> None:
    """Not to the day on which it is written: a retry after midnight meets its own row."""
    await put_jobs(admin)
    await admin.execute(
        "update procrastinate.procrastinate_jobs set event_day = event_day - %s", (days_ago,)
    )
    (claimed,) = await claim(worker, worker_id)
    written = delivery_of(claimed, dedupe_key=KEY, state="queued", outcome="retry")
    await ack(worker, worker_id, end_of(claimed, "retry"), deliveries=[written])
    (again,) = await claim(worker, worker_id)
    await ack(worker, worker_id, end_of(again), deliveries=[delivery_of(again, dedupe_key=KEY)])
    day = claimed.event_day
    partition = "deliveries_default" if days_ago else f"deliveries_{day:%Y%m%d}"
    assert await fetch_rows(
        admin, "select tableoid::regclass::text, day, attempts from gtr_jobs.deliveries"
    ) == [(f"gtr_jobs.{partition}", day, 2)]
    assert await fetch_rows(admin, "select day from gtr_jobs.job_history") == [(day,)]


async def test_two_jobs_about_the_same_row_are_acked_together(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """Twins bring the same delivery in one ack: both end, and the settled one of the two is kept."""
    await put_jobs(admin, 3)
    jobs = await claim(worker, worker_id)
    ends = [end_of(job) for job in jobs]
    states = [("queued", "retry"), ("sent", "accepted"), ("unknown", "ambiguous")]
    sent = [
        delivery_of(job, dedupe_key=KEY, state=state, outcome=outcome)
        for job, (state, outcome) in zip(jobs, states, strict=True)
    ]
    assert await ack(worker, worker_id, *ends, deliveries=sent) == {job.job_id for job in jobs}
    assert await fetch_rows(admin, "select state::text, job_id from gtr_jobs.deliveries") == [
        ("sent", jobs[1].job_id)
    ]


class Phone:
    """A person's phone, and the jobs that find out that it is gone."""

    def __init__(self, admin: AsyncConnection, worker: AsyncConnection, worker_id: int) -> None:
        self._admin = admin
        self._worker = worker
        self._worker_id = worker_id
        self.user_id = uuid4()
        self.device_id = uuid4()

    async def register(self) -> None:
        """Make its owner and register it."""
        self.user_id = await create_person(self._admin, "ken", "Ken Block")
        self.device_id = await create_device(self._admin, self.user_id, TOKEN)

    async def register_again(self) -> None:
        """Register it anew, as the client does at every start."""
        await self._admin.execute(
            "insert into public.user_device_tokens (user_id, device_token, platform)"
            " values (%s, %s, 'ios')"
            " on conflict (user_id, device_token) do update set platform = excluded.platform",
            (self.user_id, TOKEN),
        )

    async def read(self) -> list[Any]:
        """Read when it was registered; empty where it counts as dead."""
        rows = await fetch_rows(
            self._worker,
            "select registered_at from gtr_jobs.read_devices(array[%s]::uuid[])",
            self.user_id,
        )
        return [row[0] for row in rows]

    async def die(self, registered_at: Any, code: str = "Unregistered") -> None:
        """Have a provider say that the phone is gone, as of a registration."""
        await put_jobs(self._admin)
        (job,) = await claim(self._worker, self._worker_id)
        written = delivery_of(
            job,
            user_id=self.user_id,
            device_id=self.device_id,
            registered_at=registered_at,
            state="failed",
            outcome="dead_target",
            code=code,
        )
        await ack(self._worker, self._worker_id, end_of(job), deliveries=[written])


@pytest.fixture
async def phone(admin: AsyncConnection, worker: AsyncConnection, worker_id: int) -> Phone:
    """A registered phone."""
    made = Phone(admin, worker, worker_id)
    await made.register()
    return made


async def test_a_device_that_is_gone_is_not_read_any_more(
    admin: AsyncConnection, phone: Phone
) -> None:
    """It is dead as of the registration that was used, with the provider's reason."""
    (registered_at,) = await phone.read()
    await phone.die(registered_at)
    assert await phone.read() == []
    assert await fetch_rows(
        admin,
        "select device_id, dead_reason, dead_registration, dead_since <= now() from gtr_jobs.devices",
    ) == [(phone.device_id, "Unregistered", registered_at, True)]


async def test_a_device_that_registers_again_lives(phone: Phone) -> None:
    """The app was installed again, or the token was given back its life: it is read again."""
    (registered_at,) = await phone.read()
    await phone.die(registered_at)
    await phone.register_again()
    (registered_anew,) = await phone.read()
    assert registered_anew > registered_at


async def test_what_is_said_of_an_older_registration_kills_no_newer_one(
    admin: AsyncConnection, phone: Phone
) -> None:
    """A push that was under way when the app registered again speaks of the token as it was."""
    (registered_at,) = await phone.read()
    await phone.register_again()
    await phone.die(registered_at)
    assert len(await phone.read()) == 1
    (registered_anew,) = await phone.read()
    await phone.die(registered_anew, "BadDeviceToken")
    await phone.die(registered_at - timedelta(days=1), "Unregistered")
    assert await phone.read() == []
    assert await fetch_value(admin, "select dead_reason from gtr_jobs.devices") == "BadDeviceToken"


async def test_two_deliveries_of_one_ack_may_find_the_same_device_gone(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """The latest registration counts."""
    await put_jobs(admin, 2)
    one, other = await claim(worker, worker_id)
    device = uuid4()
    dead = {"device_id": device, "state": "failed", "outcome": "dead_target"}
    later = REGISTERED_AT + timedelta(hours=1)
    sent = [delivery_of(one, **dead), delivery_of(other, **dead, registered_at=later)]
    await ack(worker, worker_id, end_of(one), end_of(other), deliveries=sent)
    assert await fetch_rows(admin, "select device_id, dead_registration from gtr_jobs.devices") == [
        (device, later)
    ]


async def test_what_an_attempt_learned_of_a_token_is_kept_of_its_device(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int, job: Claimed, phone: Phone
) -> None:
    """Which of Apple's hosts knows it; what was said or learned before stays, and another token is another matter."""

    async def learn(job: Claimed, environment: str | None) -> str | None:
        written = delivery_of(
            job, user_id=phone.user_id, device_id=phone.device_id, apns_environment=environment
        )
        await ack(worker, worker_id, end_of(job), deliveries=[written])
        known: str | None = await fetch_value(
            admin, "select apns_environment from gtr_jobs.devices"
        )
        return known

    learned = [await learn(job, None)]
    for environment in ("sandbox", "production", None):
        await put_jobs(admin)
        (next_job,) = await claim(worker, worker_id)
        learned.append(await learn(next_job, environment))
    assert learned == [None, "sandbox", "sandbox", "sandbox"]

    await phone.register_again()
    known = "select apns_environment from gtr_jobs.devices"
    assert await fetch_value(admin, known) == "sandbox"
    await admin.execute("update public.user_device_tokens set device_token = %s", ("0a" * 32,))
    assert await fetch_value(admin, known) is None
