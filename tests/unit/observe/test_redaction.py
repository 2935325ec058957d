"""The second wall: what must not be in a log is taken out, whoever brought it."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtr_jobs.observe.redaction import MAX_TEXT, redact_event, redact_text

HEX = "0123456789abcdef" * 4
JWT = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJURUFNIn0.c2lnbmF0dXJl"
FCM = "cX2-f_9qTkKxu1Zq3m0aBc:APA91b" + "H" * 134


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("at postgresql://gtr_worker:s3cr%40t@db.example:5432/postgres now", "at [dsn] now"),
        ("postgres://u:p@h/d?sslmode=require", "[dsn]"),
        ("password=hunter2 host=db", "password=[secret] host=db"),
        ("Password: hunter2", "Password: [secret]"),
        (
            "api_key=abc123 api-key: abc apikey=x",
            "api_key=[secret] api-key: [secret] apikey=[secret]",
        ),
        ("Authorization: Bearer abc.def", "Authorization: [secret] abc.def"),
        ("sent bearer AAAA.BBB-CC/d+e== to it", "sent [bearer] to it"),
        (f"token {JWT}!", "token [jwt]!"),
        ("to ExponentPushToken[abc def]", "to [push token]"),
        ("to ExpoPushToken[unclosed", "to [push token]"),
        (f"to {FCM}", "to [push token]"),
        (f"to {HEX} and {HEX.upper()}", "to [push token] and [push token]"),
        ("-----BEGIN PRIVATE KEY-----\nMIG\n-----END PRIVATE KEY-----", "[key]"),
        ("-----BEGIN EC PRIVATE KEY-----\nMIGH and no end", "[key]"),
        ("from mia.rossi+cars@mail.example.co.uk to", "from [e-mail] to"),
        ("call +15550100123 or +1 (555) 010-0123", "call [phone] or [phone]"),
    ],
)
def test_people_and_secrets_are_taken_out(text: str, redacted: str) -> None:
    """Connection strings, keys, tokens, addresses and numbers."""
    assert redact_text(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "push.attempted",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "7f3a9c1e-0b2d-4e5f-8a6b-1c2d3e4f5a6b",
        "Unregistered",
        "2026-03-01T12:00:00.000000Z",
        "projects/app/messages/0:1500415314455276%31bd1c9631bd1c96",
        "http://127.0.0.1:9464",
        "gtr_jobs 0003 create deliveries",
        "retry in +5 s",
        "Zoë's 日本語 🚗",
    ],
)
def test_ids_codes_and_words_stay(text: str) -> None:
    """What operators look for."""
    assert redact_text(text) == text


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ('x\n{"level":"info"}', 'x\\u000a{"level":"info"}'),
        ("\x1b[2J\r\t\x00\x7f\x9b", "\\u001b[2J\\u000d\\u0009\\u0000\\u007f\\u009b"),
        ("a\u202egnp.exe", "a\\u202egnp.exe"),
        ("\u2066a\u2069\u200f", "\\u2066a\\u2069\\u200f"),
        ("line\u2028separator\u2029", "line\\u2028separator\\u2029"),
    ],
)
def test_a_text_cannot_break_out_of_its_line(text: str, redacted: str) -> None:
    """Control characters, escapes for terminals and signs that reorder text are shown as what they are."""
    assert redact_text(text) == redacted


def test_a_text_has_an_end() -> None:
    """A provider's page of HTML does not fill the log."""
    assert redact_text("ü" * 10_000) == "ü" * MAX_TEXT + "…"


def test_a_secret_at_the_end_is_not_cut_into_a_harmless_piece() -> None:
    """What is cut off is looked at before."""
    text = "x " * (MAX_TEXT // 2 - 10) + HEX
    assert HEX[:16] not in redact_text(text)


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "a-",
        "a.",
        "1",
        "+1",
        "+1 ",
        "f",
        "a@",
        "eyJ",
        "-----BEGIN A-----",
        "password ",
        "a:",
        "x/",
    ],
)
def test_no_text_takes_long(piece: str) -> None:
    """A million signs of whatever kind: the worker does not stand still over a log line."""
    text = " " + piece * (1_000_000 // len(piece))
    began = time.perf_counter()
    redact_text(text)
    assert time.perf_counter() - began < 1


def test_every_value_of_an_event_is_redacted() -> None:
    """However deep it lies; numbers stay numbers, and what is unknown is shown as text."""
    event: dict[str, Any] = {
        "event": "test.happened",
        "count": 3,
        "seconds": 0.5,
        "is_on": True,
        "nothing": None,
        "id": UUID(int=7),
        "error": ValueError("mia@example.test"),
        "deep": {"list": ["+15550100123", {"more": ("mia@example.test",)}]},
    }
    assert redact_event(None, "info", event) == {
        "event": "test.happened",
        "count": 3,
        "seconds": 0.5,
        "is_on": True,
        "nothing": None,
        "id": str(UUID(int=7)),
        "error": "[e-mail]",
        "deep": {"list": ["[phone]", {"more": ["[e-mail]"]}]},
    }


@given(st.text(max_size=2000))
def test_any_text_becomes_one_short_line(text: str) -> None:
    """Whatever it holds."""
    redacted = redact_text(text)
    assert len(redacted.splitlines()) <= 1
    assert len(redacted) <= MAX_TEXT + 1
