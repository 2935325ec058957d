"""What a mail server's answers mean: by its enhanced status code (RFC 3463) where it has one."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from typing import Literal

from aiosmtplib import SMTPAuthenticationError, SMTPException, SMTPResponseException

from gtr_jobs.domain.outcome import (
    Ambiguous,
    DeadTarget,
    Misconfigured,
    Outcome,
    Rejected,
    Retry,
    Throttled,
)

# How far a message had come. `sent` is the only one in which it may have been taken.
Phase = Literal["connect", "login", "sender", "recipient", "content", "sent"]

_ENHANCED = re.compile(r"([45])\.(\d{1,3})\.(\d{1,3})(?=\s|$)", re.ASCII)

# The mailbox is not there, and will not be: bad mailbox, bad domain, bad syntax, moved, null MX, disabled.
_DEAD = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})

_PAUSE = 60.0

_LOGIN = "see GTR_SMTP_USERNAME and GTR_SMTP_PASSWORD"
_SENDER = "see GTR_SMTP_FROM"
_SERVER = "see GTR_SMTP_HOST and GTR_SMTP_PORT"


def classify_smtp_answer(phase: Phase, status: int, text: str) -> Outcome:
    """Say how an attempt ended that a server refused.

    Args:
        phase: What was refused.
        status: Three digits.
        text: What the server said beside; only its enhanced status code goes further.
    """
    enhanced = _ENHANCED.match(text)
    code = enhanced[0] if enhanced and enhanced[1] == str(status)[0] else str(status)
    if 400 <= status < 500:
        # Only before a recipient is named is it us, and not this one message, whom it asks to wait.
        if code.startswith("4.7.") and phase in {"connect", "login", "sender"}:
            return Throttled(code, _PAUSE)
        return Retry(code)
    if not 500 <= status < 600:
        return Ambiguous("answer_unreadable") if phase == "sent" else Retry("answer_unreadable")
    return _classify_refusal(phase, status, code)


def _classify_refusal(phase: Phase, status: int, code: str) -> Outcome:
    if phase == "connect":
        return Misconfigured(code, _SERVER)
    if phase == "login" or status in {530, 534, 535, 538}:
        return Misconfigured(code, _LOGIN)
    if phase == "sender" and code not in {"5.3.4", "552"}:
        return Misconfigured(code, _SENDER)
    if code in _DEAD and phase == "recipient":
        return DeadTarget(code, "invalid")
    return Rejected(code)


def is_one_mailboxs(phase: Phase, outcome: Outcome) -> bool:
    """Tell whether an answer is about a mailbox or a message, and the server is well that gave it."""
    if phase not in {"recipient", "sent"} or not isinstance(outcome, Retry):
        return False
    return outcome.code[0].isdecimal() and not outcome.code.startswith(("421", "4.3.", "4.4."))


def classify_smtp_error(phase: Phase, error: BaseException) -> Outcome:
    """Say how an attempt ended that broke."""
    if isinstance(error, SMTPAuthenticationError):
        phase = "login"
    if isinstance(error, SMTPResponseException):
        return classify_smtp_answer(phase, error.code, error.message)
    causes = list(_causes(error))
    is_late = any(isinstance(cause, TimeoutError) for cause in causes)
    if phase == "sent":
        return Ambiguous("deadline" if is_late else "connection_lost")
    if type(error) is SMTPException:
        # The library does not find what it was told to use: EHLO names no such extension.
        return _STARTTLS_MISSING if "STARTTLS" in error.message else _AUTH_MISSING
    for kind, outcome in _BROKEN:
        if any(isinstance(cause, kind) for cause in causes):
            return outcome
    if is_late:
        return Retry("connect_timeout" if phase in {"connect", "login"} else "deadline")
    return Retry("connect_failed" if phase == "connect" else "connection_lost")


_STARTTLS_MISSING = Misconfigured(
    "starttls_missing", "the server has no STARTTLS; see GTR_SMTP_SECURITY and GTR_SMTP_PORT"
)
_AUTH_MISSING = Misconfigured("auth_missing", f"the server takes no login of ours; {_LOGIN}")
# The first that is found among an error's causes decides.
_BROKEN: tuple[tuple[type[BaseException], Outcome], ...] = (
    (
        ssl.SSLCertVerificationError,
        Misconfigured("tls_untrusted", "the server's certificate is not trusted; see GTR_CA_FILE"),
    ),
    (ssl.SSLError, Misconfigured("tls_failed", "see GTR_SMTP_SECURITY and GTR_SMTP_PORT")),
    (socket.gaierror, Retry("dns_failed")),
)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Give an error and what caused it."""
    cause: BaseException | None = error
    for _ in range(10):
        if cause is None:
            return
        yield cause
        cause = cause.__cause__ or cause.__context__
