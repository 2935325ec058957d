"""What people write back to our numbers, by real HTTP."""

from __future__ import annotations

import psycopg
import pytest
from support.webhooks import INBOUND, PHONE, Pairs, inbound_pairs, serve_pages, twilio_request

HELP = (
    "These are messages from garage. Write STOP to get no more. Message and data rates may apply."
)
NOTHING_SAID = '<?xml version="1.0" encoding="UTF-8"?><Response />'


@pytest.mark.parametrize(
    ("pairs", "calls"),
    [
        (inbound_pairs("Stop"), [("suppress", "sms", PHONE, "unsubscribed", "twilio")]),
        (
            inbound_pairs("ALTO", OptOutType="STOP"),
            [("suppress", "sms", PHONE, "unsubscribed", "twilio")],
        ),
        (
            inbound_pairs("Genug davon", OptOutType="STOP"),
            [("suppress", "sms", PHONE, "unsubscribed", "twilio")],
        ),
        (inbound_pairs("unstop"), [("unsuppress", "sms", PHONE, "unsubscribed")]),
        (inbound_pairs("HELP"), []),
        (inbound_pairs("When do you stop?"), []),
        (inbound_pairs(""), []),
        (inbound_pairs("STOP", From="whatsapp:+14155550123"), []),
        (inbound_pairs("STOP", From="32665"), []),
    ],
)
async def test_what_somebody_wrote_is_done(pairs: Pairs, calls: list[tuple[str, ...]]) -> None:
    """STOP and START change who is written to; Twilio says the words, and nothing is said here."""
    async with serve_pages() as served:
        answer = await served.client.post(**twilio_request(INBOUND, pairs))

        assert (answer.status_code, answer.text) == (200, NOTHING_SAID)
        assert answer.headers["content-type"] == "application/xml"
        assert served.reports.calls == calls


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("STOP", "You will get no more messages from garage. Write START to get them again."),
        ("START", "You will get messages from garage again. Write STOP to get no more."),
        ("HELP", HELP),
    ],
)
async def test_words_are_answered_where_that_is_asked(body: str, words: str) -> None:
    """For accounts in which Twilio's own answers were turned off."""
    async with serve_pages(twilio_replies=True, project="garage") as served:
        answer = await served.client.post(**twilio_request(INBOUND, inbound_pairs(body)))

        assert answer.text == (
            f'<?xml version="1.0" encoding="UTF-8"?><Response><Message>{words}</Message></Response>'
        )


async def test_a_word_that_twilio_answered_is_not_answered_twice() -> None:
    """It says so itself."""
    async with serve_pages(twilio_replies=True, project="garage") as served:
        pairs = inbound_pairs("STOP", OptOutType="STOP")
        answer = await served.client.post(**twilio_request(INBOUND, pairs))

        assert answer.text == NOTHING_SAID


async def test_a_stop_that_is_sent_again_changes_nothing_after_a_start() -> None:
    """A message is done once; another one with the same word is another."""
    async with serve_pages() as served:
        sids = [f"SM{number:032}" for number in range(3)]
        for word, sid in (
            ("STOP", sids[0]),
            ("START", sids[1]),
            ("STOP", sids[0]),
            ("STOP", sids[2]),
        ):
            pairs = inbound_pairs(word, MessageSid=sid)
            answer = await served.client.post(**twilio_request(INBOUND, pairs))
            assert answer.status_code == 200

        assert [call[0] for call in served.reports.calls] == ["suppress", "unsuppress", "suppress"]


async def test_stop_is_not_lost_while_the_database_is_away() -> None:
    """Twilio is told that it was not heard."""
    async with serve_pages() as served:
        served.reports.error = psycopg.OperationalError("the database is away")
        answer = await served.client.post(**twilio_request(INBOUND, inbound_pairs("STOP")))

        assert answer.status_code == 503
