"""An e-mail as it goes over the wire: its headers, its parts, and what is refused."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8, default
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.smtp_benches import MESSAGE_ID, NOW, make_email

from gtr_jobs.domain.email_address import parse_address
from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.domain.outcome import DeadTarget, Outcome, Rejected
from gtr_jobs.providers.smtp_message import Composed, Sender, compose

SENDER = Sender(parse_address("noreply@example.com"), "GTR M\u00e4rkte, Inc.")


def composed(**fields: Any) -> Composed:
    """Write a message that can be written."""
    found = compose(make_email(**fields), SENDER, NOW)
    assert isinstance(found, Composed)
    return found


def read(message: Composed) -> EmailMessage:
    """Read a message as a mail program does."""
    parsed = message_from_bytes(message.content, policy=SMTPUTF8)
    assert isinstance(parsed, EmailMessage)
    return parsed


def test_a_message_has_the_headers_that_it_needs() -> None:
    """And the delivery's id as its name."""
    message = composed(unsubscribe_url="https://example.com/u?d=1&s=2")
    mail = read(message)
    assert (message.message_id, message.recipient.text) == (MESSAGE_ID, "ada@example.org")
    assert dict(mail.items()) == {
        "Message-ID": f"<{MESSAGE_ID}>",
        "To": "ada@example.org",
        "Subject": "Your weekly digest",
        "List-Unsubscribe": "<https://example.com/u?d=1&s=2>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "From": '"GTR M\u00e4rkte, Inc." <noreply@example.com>',
        "Date": "Sun, 01 Mar 2026 12:00:00 +0000",
        "Auto-Submitted": "auto-generated",
        "MIME-Version": "1.0",
        "Content-Type": mail["Content-Type"],
    }


def test_text_and_html_are_two_ways_to_say_the_same() -> None:
    """The plain text first, both as they were written."""
    text, html = "Gr\u00fc\u00dfe \U0001f600\n.\n..\nFrom here\n", "<p>Gr\u00fc\u00dfe</p>\n"
    mail = read(composed(text=text, html=html))
    assert mail.get_content_type() == "multipart/alternative"
    parts = [
        (part.get_content_type(), part.get_content().replace("\r\n", "\n"))
        for part in mail.iter_parts()
    ]
    assert parts == [("text/plain", text), ("text/html", html)]


def test_a_message_without_html_is_plain_text() -> None:
    """And without a way to unsubscribe has no header for it."""
    mail = read(composed(html=None))
    assert mail.get_content_type() == "text/plain"
    assert [name for name in mail if name.startswith("List-")] == []


@pytest.mark.parametrize(
    "subject",
    [
        "Short",
        "Gr\u00fc\u00dfe aus M\u00fcnchen",
        "\u65e5\u7523 " * 60,
        "word " * 70,
        "x" * 400,
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u0645\u06cc\u200c\u0631\u0648\u062f",
        '=?utf-8?q?looks_encoded?= "and" <more>',
        "",
    ],
    ids=lambda subject: subject[:12],
)
def test_a_subject_arrives_as_it_was_written(subject: str) -> None:
    """In any script and of any allowed length, in lines that every server takes."""
    message = composed(subject=subject)
    parsed = message_from_bytes(message.content, policy=default)
    assert str(parsed["Subject"]).strip() == subject.strip()
    assert max(map(len, message.content.split(b"\r\n"))) <= 998


def test_every_line_ends_as_smtp_wants_it_and_is_ascii() -> None:
    """Whatever the text's own line ends were."""
    content = composed(text="one\rtwo\nthree\r\nfour", html="\u00fc" * 5000).content
    assert content.endswith(b"\r\n")
    assert content.replace(b"\r\n", b"").find(b"\n") == -1
    assert content.replace(b"\r\n", b"").find(b"\r") == -1
    assert content.isascii()
    assert max(map(len, content.split(b"\r\n"))) <= 998


def test_a_long_link_to_unsubscribe_stays_whole() -> None:
    """A mail program must find it between two brackets in one line."""
    url = f"https://example.com/unsubscribe?{'t' * 850}"
    assert f"List-Unsubscribe: <{url}>\r\n".encode() in composed(unsubscribe_url=url).content


def test_an_address_in_other_scripts_is_written_as_it_is() -> None:
    """Its domain as DNS has it, its local part in UTF-8."""
    message = composed(to="j\u00f6rg@b\u00fccher.example")
    assert message.recipient.needs_utf8
    assert "To: j\u00f6rg@xn--bcher-kva.example\r\n".encode() in message.content


def test_answers_go_where_they_should() -> None:
    """To another address where one is given."""
    sender = Sender(SENDER.address, reply_to=parse_address("help@example.com"))
    found = compose(make_email(), sender, NOW)
    assert isinstance(found, Composed)
    mail = read(found)
    assert (mail["From"], mail["Reply-To"]) == ("noreply@example.com", "help@example.com")


@pytest.mark.parametrize(
    ("fields", "setting"),
    [
        ({"address": parse_address("j\u00f6rg@example.com")}, "GTR_SMTP_FROM"),
        ({"reply_to": parse_address("j\u00f6rg@example.com")}, "GTR_SMTP_REPLY_TO"),
        ({"name": "GTR\r\nBcc: eve@x.example"}, "GTR_SMTP_FROM_NAME"),
        ({"name": "x" * 61}, "GTR_SMTP_FROM_NAME"),
    ],
)
def test_a_sender_that_cannot_stand_in_a_header_is_a_setting(
    fields: dict[str, Any], setting: str
) -> None:
    """Found out before anything is sent."""
    with pytest.raises(ConfigurationError, match=setting):
        Sender(**{"address": SENDER.address, **fields})


_SUBJECT = Rejected("subject_invalid", "a subject is one line of at most 400 characters")
_URL = Rejected("unsubscribe_url_invalid", "it is an address of at most 900 characters")


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"to": "ada@example.com\r\nBcc: eve@x.example"}, DeadTarget("email_invalid", "invalid")),
        ({"to": "ada@example.com> SIZE=1"}, DeadTarget("email_invalid", "invalid")),
        ({"to": ""}, DeadTarget("email_required", "invalid")),
        ({"subject": "Hi\r\nBcc: eve@x.example"}, _SUBJECT),
        ({"subject": "Hi\nBcc: eve@x.example"}, _SUBJECT),
        ({"subject": "Hi\rBcc: eve@x.example"}, _SUBJECT),
        ({"subject": "Hi\u2028there"}, _SUBJECT),
        ({"subject": "Hi\x00"}, _SUBJECT),
        ({"subject": "Hi\x0bthere"}, _SUBJECT),
        ({"subject": "x" * 401}, _SUBJECT),
        ({"subject": "half \ud83d"}, _SUBJECT),
        ({"unsubscribe_url": "https://example.com/>\r\nX: y"}, _URL),
        ({"unsubscribe_url": "https://example.com/a b"}, _URL),
        ({"unsubscribe_url": "https://example.com/>,<mailto:x"}, _URL),
        ({"unsubscribe_url": "javascript:alert(1)"}, _URL),
        ({"unsubscribe_url": f"https://example.com/{'x' * 900}"}, _URL),
        (
            {"text": "half \ud83d"},
            Rejected("text_invalid", "a text holds half of a surrogate pair"),
        ),
        (
            {"html": "half \ud83d"},
            Rejected("text_invalid", "a text holds half of a surrogate pair"),
        ),
    ],
    ids=repr,
)
def test_what_could_begin_another_header_is_refused(
    fields: dict[str, Any], outcome: Outcome
) -> None:
    """Nothing is mended in silence, and nothing of it is told."""
    assert compose(make_email(**fields), SENDER, NOW) == outcome


_LETTERS = st.characters(exclude_categories=["Cs"])
_OF_A_LINE = st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"])


@settings(max_examples=60, deadline=None)
@given(
    text=st.text(_LETTERS, max_size=300),
    html=st.text(_LETTERS, max_size=300),
    subject=st.text(_OF_A_LINE, max_size=200),
)
def test_whatever_people_write_arrives(text: str, html: str, subject: str) -> None:
    """Every letter of both parts and of the subject, in lines that every server takes."""
    message = compose(make_email(text=text, html=html, subject=subject), SENDER, NOW)
    assert isinstance(message, Composed)
    assert set(message.content.replace(b"\r\n", b"")).isdisjoint(b"\r\n")
    assert max(map(len, message.content.split(b"\r\n"))) <= 998
    mail = message_from_bytes(message.content, policy=default)
    assert isinstance(mail, EmailMessage)
    assert str(mail["Subject"]).strip(" ") == subject.strip(" ")
    written = [part.get_content() for part in mail.iter_parts()]
    assert [_lines(part) for part in written] == [_lines(text), _lines(html)]


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")
