"""Every provider of text messages, every answer and every accident: each ends as the right outcome."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
import trustme
from support.answering_server import AnsweringServer
from support.answers import Action, Answer, Drop, SeenRequest, Stall, Trickle
from support.conformance_sms import (
    PLIVO_CASES,
    TWILIO_CASES,
    UUID,
    SmsCase,
    SmsProviderName,
    twilio_message,
)
from support.conformance_sms_reports import PLIVO_REPORTS, TWILIO_REPORTS, ReportCase
from support.sms_benches import BODY, NOW, TO, TOKEN, make_sms, open_sms_bench

from gtr_jobs.domain.outcome import (
    Ambiguous,
    Expired,
    Held,
    Misconfigured,
    Outcome,
    Rejected,
    Retry,
    outcome_code,
)
from gtr_jobs.providers.message_base import SmsProvider
from gtr_jobs.providers.plivo_answers import PLIVO_ERRORS, classify_plivo_report
from gtr_jobs.providers.twilio_answers import TWILIO_ERRORS, classify_twilio_report

PROVIDERS: tuple[SmsProviderName, ...] = ("twilio", "plivo")
CASES = (*TWILIO_CASES, *PLIVO_CASES)

AMBIGUOUS: tuple[tuple[Action, Outcome], ...] = (
    (Drop(), Ambiguous("connection_lost")),
    (Drop(after_headers=True), Ambiguous("answer_broken")),
    (Stall(), Ambiguous("deadline")),
    (Stall(after_headers=True), Ambiguous("deadline")),
    (Trickle(seconds=0.1), Ambiguous("deadline")),
    (Trickle(piece=b"x" * 65_536, seconds=0), Ambiguous("answer_too_large")),
)


def accept(name: SmsProviderName) -> Answer:
    """Answer as the provider does when it takes a message."""
    if name == "twilio":
        return Answer(201, twilio_message())
    return Answer(202, {"api_id": UUID, "message_uuid": [UUID]})


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_every_answer_ends_as_its_outcome(
    answering_server: AnsweringServer, case: SmsCase
) -> None:
    """As the table says, observed, and asked once."""
    answering_server.answer(case.action)
    async with open_sms_bench(case.provider, answering_server) as bench:
        assert await bench.provider.send(make_sms()) == case.outcome
        assert bench.observed == [(case.provider, case.outcome.name)]
        assert len(answering_server.requests) == 1


@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_outcome_says_more_than_a_code(case: SmsCase) -> None:
    """What an answer quotes of a person or a text reaches neither code nor detail."""
    told = f"{outcome_code(case.outcome)} {getattr(case.outcome, 'detail', '')}"
    assert "words" not in told
    assert TO[-7:] not in told
    assert re.fullmatch(r"[A-Za-z0-9_.-]*", outcome_code(case.outcome))


@pytest.mark.parametrize("case", [*TWILIO_REPORTS, *PLIVO_REPORTS], ids=str)
def test_a_reports_code_means_what_the_table_says(case: ReportCase) -> None:
    """An unknown code is kept, and what is no code is not."""
    classify = classify_twilio_report if case.provider == "twilio" else classify_plivo_report
    assert classify(case.name) == case.outcome


def test_every_code_of_the_tables_is_tried() -> None:
    """A code that no case has would be held to nothing."""
    tried = {outcome_code(case.outcome) for case in TWILIO_CASES}
    told_later = {case.name for case in TWILIO_REPORTS}
    assert {str(code) for code in TWILIO_ERRORS} - tried - told_later == set()
    assert set(PLIVO_ERRORS) - {case.name for case in PLIVO_REPORTS} == set()


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize(("action", "outcome"), AMBIGUOUS, ids=repr)
async def test_an_accident_after_the_first_byte_is_ambiguous_and_sent_once(
    answering_server: AnsweringServer, name: SmsProviderName, action: Action, outcome: Outcome
) -> None:
    """A message that may have been taken is not sent again by anything underneath."""
    answering_server.answer(action)
    async with open_sms_bench(name, answering_server, deadline=1.0, connect_timeout=0.9) as bench:
        assert await bench.provider.send(make_sms()) == outcome
        assert len(answering_server.requests) == 1


@pytest.mark.parametrize("name", PROVIDERS)
async def test_a_server_that_is_away_means_a_retry(
    answering_server: AnsweringServer, name: SmsProviderName
) -> None:
    """A refused connection has sent nothing."""
    async with open_sms_bench(name, answering_server) as bench:
        await answering_server.stop()
        assert await bench.provider.send(make_sms()) == Retry("connect_failed")


@pytest.mark.parametrize("name", PROVIDERS)
async def test_an_untrusted_certificate_is_a_setting(
    answering_server: AnsweringServer, tmp_path: Path, name: SmsProviderName
) -> None:
    """A server that nobody vouches for gets no message, and an operator is told where to look."""
    folder = tmp_path / "stranger"
    folder.mkdir()
    async with (
        AnsweringServer(trustme.CA(), folder) as stranger,
        open_sms_bench(name, stranger, ca_file=answering_server.ca_file) as bench,
    ):
        outcome = await bench.provider.send(make_sms())
        assert isinstance(outcome, Misconfigured)
        assert (outcome.code, "GTR_CA_FILE" in outcome.detail) == ("tls_untrusted", True)
        assert stranger.requests == []


@pytest.mark.parametrize("name", PROVIDERS)
async def test_what_has_expired_is_not_sent(
    answering_server: AnsweringServer, name: SmsProviderName
) -> None:
    """A message past its life ends as expired, and nobody is asked."""
    async with open_sms_bench(name, answering_server) as bench:
        assert await bench.provider.send(make_sms(timedelta(0))) == Expired()
        assert answering_server.connections == 0


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize(
    ("left", "twilio", "plivo"),
    [
        (timedelta(seconds=0.4), "1", 5),
        (timedelta(seconds=299.4), "300", 300),
        (timedelta(hours=5), "18000", 10_799),
        (timedelta(days=3), "36000", 10_799),
    ],
)
async def test_a_provider_keeps_a_message_no_longer_than_it_is_of_use(
    answering_server: AnsweringServer,
    name: SmsProviderName,
    left: timedelta,
    twilio: str,
    plivo: int,
) -> None:
    """What is left of its life goes along, within what the provider takes."""
    answering_server.answer(accept(name))
    async with open_sms_bench(name, answering_server) as bench:
        await bench.provider.send(make_sms(left))
    (request,) = answering_server.requests
    if name == "twilio":
        assert f"ValidityPeriod={twilio}&" in request.body.decode() + "&"
    else:
        assert request.json()["message_expiry"] == plivo


@pytest.mark.parametrize("name", PROVIDERS)
async def test_a_text_that_is_no_text_is_not_sent(
    answering_server: AnsweringServer, name: SmsProviderName
) -> None:
    """Half a surrogate pair cannot be written."""
    async with open_sms_bench(name, answering_server) as bench:
        outcome = await bench.provider.send(make_sms(body="half \ud83d"))
        assert isinstance(outcome, Rejected)
        assert answering_server.requests == []


@pytest.mark.parametrize("name", PROVIDERS)
async def test_a_closed_provider_sends_nothing(
    answering_server: AnsweringServer, name: SmsProviderName
) -> None:
    """After close, messages come back to be tried by another worker."""
    answering_server.answer(accept(name))
    async with open_sms_bench(name, answering_server) as bench:
        assert (await bench.provider.send(make_sms())).name == "accepted"
        await bench.provider.close()
        assert await bench.provider.send(make_sms()) == Retry("pool_closed")


@pytest.mark.parametrize("name", PROVIDERS)
async def test_a_throttled_account_is_left_alone(
    answering_server: AnsweringServer, name: SmsProviderName
) -> None:
    """For as long as the provider asks, nobody is asked again."""
    answering_server.answer(Answer(429, b"", {"retry-after": "30"}))
    async with open_sms_bench(name, answering_server) as bench:
        await bench.provider.send(make_sms())
        outcome = await bench.provider.send(make_sms())
        assert isinstance(outcome, Held)
        assert 25 < outcome.retry_after <= 30
        assert len(answering_server.requests) == 1


@pytest.mark.parametrize("name", PROVIDERS)
async def test_each_provider_is_one_by_the_protocol(
    answering_server: AnsweringServer, name: SmsProviderName
) -> None:
    """Whoever sends need not know which one it is; and nobody's number is in what it shows of itself."""
    seen: list[SeenRequest] = answering_server.requests
    answering_server.answer(accept(name))
    async with open_sms_bench(name, answering_server) as bench:
        provider: SmsProvider = bench.provider
        outcome = await provider.send(make_sms())
        assert outcome.name == "accepted"
        assert (provider.name, provider.pressure.account) == (name, name)
        assert TO not in repr(provider)
        assert BODY not in seen[0].path


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("action", [None, Answer(500, b"<html>"), Drop()], ids=repr)
async def test_nothing_of_a_person_or_a_secret_is_logged(
    answering_server: AnsweringServer,
    caplog: pytest.LogCaptureFixture,
    name: SmsProviderName,
    action: Action | None,
) -> None:
    """By no library underneath, at any level: Twilio's own client would log the number it asks for."""
    caplog.set_level(logging.DEBUG)
    answering_server.answer(action or accept(name))
    async with open_sms_bench(name, answering_server) as bench:
        await bench.provider.send(make_sms())
        await bench.provider.find(make_sms(), NOW)
    assert len(answering_server.requests) >= 2
    secrets = (TO, TO[1:], quote(TO), BODY, quote_plus(BODY), TOKEN)
    assert [secret for secret in secrets if secret in caplog.text] == []
