"""A mail server's every answer and accident, at every step: each ends as the right outcome."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
import trustme
from support.conformance_smtp import LOGIN, SMTP_CASES, SmtpCase
from support.smtp_benches import MESSAGE_ID, NOW, TO, make_email, open_smtp_bench

from gtr_jobs.dev.standins import AfterAccepting, Disconnect, ProviderStandIns, Respond, Stall
from gtr_jobs.dev.standins.smtp_connection import STEPS, Step
from gtr_jobs.domain.errors import ConfigurationError, TryAgainError
from gtr_jobs.domain.outcome import (
    Accepted,
    Ambiguous,
    Expired,
    Misconfigured,
    Outcome,
    Retry,
    outcome_code,
)
from gtr_jobs.providers.message_base import EmailProvider
from gtr_jobs.providers.smtp_pool import Security

# More than the machine's own buffers on the way take.
TOO_MUCH = f"{'x' * 70}\n" * 220_000

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[ProviderStandIns]:
    """The stand-ins, running."""
    async with ProviderStandIns() as standins:
        yield standins


@pytest.fixture
def standins(running: ProviderStandIns) -> ProviderStandIns:
    """The stand-ins, with nothing scripted and an empty ledger."""
    running.reset()
    return running


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_message_is_taken(standins: ProviderStandIns, security: Security) -> None:
    """Signed in, over TLS from the first byte or begun by STARTTLS; its name is the Message-ID."""
    async with open_smtp_bench(standins, security=security) as bench:
        provider: EmailProvider = bench.provider
        await provider.check()
        assert await provider.send(make_email()) == Accepted(MESSAGE_ID)
        (taken,) = bench.taken
        assert (taken.token, taken.message_id) == (TO, MESSAGE_ID)
        assert bench.observed == [("smtp", "accepted")]
        assert (provider.name, provider.pressure.account) == ("smtp", "smtp")


@pytest.mark.parametrize("case", SMTP_CASES, ids=str)
async def test_every_answer_ends_as_its_outcome(standins: ProviderStandIns, case: SmtpCase) -> None:
    """As the table says, observed, with nothing taken, and the next message goes its way."""
    async with open_smtp_bench(standins) as bench:
        bench.server.at[case.step].add(case.failure)
        assert await bench.provider.send(make_email()) == case.outcome
        assert bench.observed == [("smtp", case.outcome.name)]
        assert bench.taken == []
    async with open_smtp_bench(standins) as bench:
        assert (await bench.provider.send(make_email())).name == "accepted"


@pytest.mark.parametrize("case", SMTP_CASES, ids=str)
async def test_no_outcome_says_more_than_a_code(case: SmtpCase) -> None:
    """What a server says in words reaches nobody."""
    assert re.fullmatch(r"[0-9.]+", outcome_code(case.outcome))


@pytest.mark.parametrize("step", [step for step in STEPS if step not in {"login", "body"}])
@pytest.mark.parametrize("fault", [Disconnect(), Stall()], ids=repr)
async def test_an_accident_is_ambiguous_only_after_the_final_dot(
    standins: ProviderStandIns, step: Step, fault: Disconnect | Stall
) -> None:
    """Before it, nothing was sent and the message is tried again; nothing is sent twice by itself."""
    async with open_smtp_bench(standins, deadline=0.6, connect_timeout=0.4) as bench:
        bench.server.at[step].add(fault)
        outcome = await bench.provider.send(make_email())
    is_late = isinstance(fault, Stall)
    expected: dict[Step, Outcome] = {
        "connect": Retry("connect_timeout" if is_late else "connect_failed"),
        "content": Ambiguous("deadline" if is_late else "connection_lost"),
    }
    assert outcome == expected.get(step, Retry("deadline" if is_late else "connection_lost"))
    assert (bench.taken, sum(bench.server.answered.values()) <= 2) == ([], True)


@pytest.mark.parametrize("fault", [Disconnect(), Stall()], ids=repr)
async def test_content_that_did_not_get_through_was_not_sent(
    standins: ProviderStandIns, fault: Disconnect | Stall
) -> None:
    """While it is on its way the final dot has not been said, however long that takes."""
    standins.smtp.largest = 100_000_000
    async with open_smtp_bench(standins, deadline=1.5, connect_timeout=0.4) as bench:
        bench.server.at["body"].add(fault)
        outcome = await bench.provider.send(make_email(text=TOO_MUCH, html=None))
    is_late = isinstance(fault, Stall)
    assert outcome == Retry("deadline" if is_late else "connection_lost")
    assert bench.taken == []


@pytest.mark.parametrize("fault", [Disconnect(), Stall()], ids=repr)
async def test_a_message_that_was_taken_unseen_is_ambiguous(
    standins: ProviderStandIns, fault: Disconnect | Stall
) -> None:
    """And it was sent once."""
    async with open_smtp_bench(standins, deadline=0.6, connect_timeout=0.4) as bench:
        bench.server.script.add(AfterAccepting(fault))
        outcome = await bench.provider.send(make_email())
        assert isinstance(outcome, Ambiguous)
        assert len(bench.taken) == 1


@pytest.mark.parametrize(
    ("step", "outcome"),
    [
        ("recipient", Retry("answer_unreadable")),
        ("content", Ambiguous("answer_unreadable")),
    ],
)
@pytest.mark.parametrize("status", [0, 199, 299, 354, 600, 999])
async def test_an_answer_that_is_none_proves_nothing(
    standins: ProviderStandIns, step: Step, outcome: Outcome, status: int
) -> None:
    """Whatever number it has: before the final dot it is tried again, after it nobody knows."""
    async with open_smtp_bench(standins) as bench:
        bench.server.at[step].add(Respond(status, b"what"))
        assert await bench.provider.send(make_email()) == outcome


async def test_a_server_that_is_away_means_a_retry(standins: ProviderStandIns) -> None:
    """A refused connection has sent nothing; afterwards all goes on."""
    async with open_smtp_bench(standins) as bench:
        await bench.server.stop()
        try:
            assert await bench.provider.send(make_email()) == Retry("connect_failed")
            with pytest.raises(TryAgainError, match="connect_failed"):
                await bench.provider.check()
        finally:
            await bench.server.start()
        assert (await bench.provider.send(make_email())).name == "accepted"


async def test_a_server_without_a_name_means_a_retry(standins: ProviderStandIns) -> None:
    """DNS may be back in a moment."""
    async with open_smtp_bench(standins, host="nowhere.invalid") as bench:
        assert await bench.provider.send(make_email()) == Retry("dns_failed")


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_an_untrusted_certificate_is_a_setting(
    standins: ProviderStandIns, tmp_path: Path, security: Security
) -> None:
    """A server that nobody vouches for gets neither message nor password."""
    stranger = tmp_path / "stranger.pem"
    trustme.CA().cert_pem.write_to_path(stranger)
    async with open_smtp_bench(standins, ca_file=stranger, security=security) as bench:
        outcome = await bench.provider.send(make_email())
        assert isinstance(outcome, Misconfigured)
        assert (outcome.code, "GTR_CA_FILE" in outcome.detail) == ("tls_untrusted", True)
        assert (bench.taken, bench.server.answered) == ([], {})


async def test_a_certificate_for_another_name_is_not_trusted(standins: ProviderStandIns) -> None:
    """The name that is in the settings must be in it."""
    async with open_smtp_bench(standins, host="ip6-localhost") as bench:
        outcome = await bench.provider.send(make_email())
        assert outcome in (
            Retry("dns_failed"),
            Retry("connect_failed"),
            Misconfigured(
                "tls_untrusted", "the server's certificate is not trusted; see GTR_CA_FILE"
            ),
        )
        assert bench.taken == []


async def test_nothing_is_said_in_the_clear(standins: ProviderStandIns) -> None:
    """A server that offers no STARTTLS, or from which somebody has cut it, gets nothing."""
    standins.smtp.has_starttls = False
    async with open_smtp_bench(standins) as bench:
        outcome = await bench.provider.send(make_email())
        assert isinstance(outcome, Misconfigured)
        assert outcome.code == "starttls_missing"
        assert (bench.taken, bench.server.answered) == ([], {})


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_the_wrong_kind_of_port_is_a_setting(
    standins: ProviderStandIns, security: Security
) -> None:
    """TLS spoken to STARTTLS's port, or the other way round, ends soon and says where to look."""
    smtp = standins.smtp
    port = smtp.port if security == "tls" else smtp.tls_port
    async with open_smtp_bench(
        standins, security=security, port=port, connect_timeout=0.5, deadline=2.0
    ) as bench:
        outcome = await bench.provider.send(make_email())
        assert outcome in (
            Misconfigured("tls_failed", "see GTR_SMTP_SECURITY and GTR_SMTP_PORT"),
            Retry("connect_timeout"),
            Retry("connect_failed"),
        )


async def test_a_wrong_password_is_a_setting(standins: ProviderStandIns) -> None:
    """And is not in what is said of it."""
    async with open_smtp_bench(standins, password="secret-1") as bench:
        assert await bench.provider.send(make_email()) == Misconfigured("5.7.8", LOGIN)
        with pytest.raises(ConfigurationError, match="GTR_SMTP_PASSWORD") as refused:
            await bench.provider.check()
        assert "secret-1" not in f"{refused.value} {bench.provider._server!r}"


async def test_what_has_expired_is_not_sent(standins: ProviderStandIns) -> None:
    """A message past its life ends as expired, and nobody is asked."""
    async with open_smtp_bench(standins) as bench:
        assert await bench.provider.send(make_email(valid_until=NOW)) == Expired()
        fresh = make_email(valid_until=NOW + timedelta(seconds=1))
        assert (await bench.provider.send(fresh)).name == "accepted"
        assert bench.server.connections == 1


@pytest.mark.parametrize("fault", [None, Respond(550, TO.encode()), Disconnect()], ids=repr)
async def test_nothing_of_a_person_or_a_secret_is_logged(
    standins: ProviderStandIns, caplog: pytest.LogCaptureFixture, fault: Respond | Disconnect | None
) -> None:
    """By no library underneath, at any level."""
    caplog.set_level(logging.DEBUG)
    async with open_smtp_bench(standins) as bench:
        if fault is not None:
            bench.server.script.add(fault)
        await bench.provider.send(make_email())
    secrets = (TO, "Dear Ada", "weekly digest", bench.server.password)
    assert [secret for secret in secrets if secret in caplog.text] == []
