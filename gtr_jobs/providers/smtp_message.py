"""An e-mail as it goes over the wire.

Written line by line: Python's `email` takes milliseconds for a message, and its new way to write
headers breaks or encodes what is longer than a line, loses spaces between encoded words, and lets a
text pass that looks like an encoded one.
"""

from __future__ import annotations

import re
from binascii import b2a_qp
from dataclasses import dataclass, field
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage as MimeMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import lru_cache

from gtr_jobs.domain.email import EmailMessage
from gtr_jobs.domain.email_address import AddressError, EmailAddress, parse_address
from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.domain.outcome import DeadTarget, Outcome, Rejected
from gtr_jobs.providers.answers import NOT_TEXT

# A line of a header may have 998 bytes; servers cut or refuse longer ones.
_LONGEST_URL = 900
_LONGEST_SUBJECT = 400
_LONGEST_NAME = 60
# Line ends of any kind, with which another header could begin, and what no text holds. Joiners of
# emoji and of Persian are no such signs, though they are not printable.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_URL = re.compile(r"https?://[!-;=?-~]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes.

    Args:
        address: In `From`, and where bounces go.
        name: Beside the address; may be empty.
        reply_to: Where answers go; None for the address.

    Raises:
        ConfigurationError: One of them cannot stand in a header that every server takes.
    """

    address: EmailAddress
    name: str = ""
    reply_to: EmailAddress | None = None

    def __post_init__(self) -> None:
        if self.address.needs_utf8:
            raise ConfigurationError(
                "GTR_SMTP_FROM: not every server takes an address beyond ASCII", "use another"
            )
        if self.reply_to is not None and self.reply_to.needs_utf8:
            raise ConfigurationError(
                "GTR_SMTP_REPLY_TO: not every server takes an address beyond ASCII", "use another"
            )
        if not self.name.isprintable() or len(self.name) > _LONGEST_NAME:
            raise ConfigurationError(
                "GTR_SMTP_FROM_NAME: not a name", "one line of at most 60 characters"
            )


@dataclass(frozen=True, slots=True)
class Composed:
    """A message that is ready to be sent.

    Args:
        message_id: Without its brackets.
        recipient: Whom it is for.
        content: Headers and parts, with lines that end as SMTP wants them.
    """

    message_id: str
    recipient: EmailAddress
    content: bytes = field(repr=False)


def compose(message: EmailMessage, sender: Sender, now: datetime) -> Composed | Outcome:
    """Write a message.

    Returns:
        It, or how the attempt ends where it cannot be written: nothing of what is refused is told.
    """
    try:
        recipient = parse_address(message.to)
    except AddressError as error:
        return DeadTarget(error.code, "invalid")
    if _CONTROL.search(message.subject) or len(message.subject) > _LONGEST_SUBJECT:
        return Rejected("subject_invalid", "a subject is one line of at most 400 characters")
    url = message.unsubscribe_url
    if url is not None and not (_URL.fullmatch(url) and len(url) <= _LONGEST_URL):
        return Rejected("unsubscribe_url_invalid", "it is an address of at most 900 characters")
    message_id = f"{message.delivery_id}@{sender.address.domain}"
    lines = [
        f"Message-ID: <{message_id}>",
        *_write_sender(sender),
        f"To: {recipient.text}",
        f"Subject: {_write_subject(message.subject)}",
        f"Date: {format_datetime(now)}",
        # Nobody's absence is to be told to a machine (RFC 3834).
        "Auto-Submitted: auto-generated",
    ]
    if url is not None:
        lines += [f"List-Unsubscribe: <{url}>", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"]
    lines.append("MIME-Version: 1.0")
    try:
        body = _write_body(message)
    except UnicodeEncodeError:
        return NOT_TEXT
    head = "".join(f"{line}\r\n" for line in lines).encode()
    return Composed(message_id, recipient, head + body)


def _write_body(message: EmailMessage) -> bytes:
    plain = _write_part("plain", message.text)
    if message.html is None:
        return plain
    # What is quoted-printable never has this sign behind an equals sign.
    boundary = f"=_{message.delivery_id.hex}"
    head = f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'
    # The line end before a boundary is the boundary's.
    parts = (f"--{boundary}\r\n".encode(), plain, b"\r\n")
    html = (parts[0], _write_part("html", message.html), b"\r\n")
    return b"".join((head.encode(), *parts, *html, f"--{boundary}--\r\n".encode()))


def _write_part(subtype: str, text: str) -> bytes:
    head = (
        f'Content-Type: text/{subtype}; charset="utf-8"\r\n'
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    ended = lines if lines.endswith("\n") else f"{lines}\n"
    quoted = b2a_qp(ended.encode(), istext=True)
    return head.encode() + quoted.replace(b"\n", b"\r\n")


@lru_cache(maxsize=64)
def _write_sender(sender: Sender) -> tuple[str, ...]:
    """Write who sends; the same for every message."""
    mime = MimeMessage(policy=SMTP)
    mime["From"] = _header_address(sender.address, sender.name)
    if sender.reply_to is not None:
        mime["Reply-To"] = _header_address(sender.reply_to)
    return tuple(SMTP.fold(name, value).rstrip("\r\n") for name, value in mime.items())


def _write_subject(subject: str) -> str:
    """Write a subject in ASCII (RFC 2047), over several lines where it is long."""
    if subject.isascii() and "=?" not in subject:
        return subject
    return Header(subject, "utf-8", header_name="Subject").encode(linesep="\r\n")


def _header_address(address: EmailAddress, name: str = "") -> Address:
    return Address(display_name=name, username=address.local, domain=address.domain)
