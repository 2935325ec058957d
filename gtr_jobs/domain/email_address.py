"""An e-mail address: what can be written to, told apart from what only looks like it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

import idna

from gtr_jobs.domain.errors import UsageError

AddressProblem = Literal["email_required", "email_invalid"]

_LONGEST_LOCAL = 64
_LONGEST = 254
# What may stand before the @ without quotes (RFC 5322's atoms), and letters of any script (RFC 6531).
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u00a1-\U0010ffff-]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)


class AddressError(UsageError):
    """What was given is no e-mail address; the address itself is not in the text.

    Args:
        code: Which of the problems it is.
        message: What is wrong.
    """

    def __init__(self, code: AddressProblem, message: str) -> None:
        super().__init__(message, "write it as in ada@example.com")
        self.code: AddressProblem = code


@dataclass(frozen=True, slots=True)
class EmailAddress:
    """An address that can be put on the wire.

    Args:
        local: What stands before the @, as its owner writes it.
        domain: The domain in lower case, as DNS has it: other scripts by their ASCII form.
    """

    local: str = field(repr=False)
    domain: str = field(repr=False)

    @property
    def text(self) -> str:
        """The whole address."""
        return f"{self.local}@{self.domain}"

    @property
    def needs_utf8(self) -> bool:
        """Whether only a server with SMTPUTF8 can take it."""
        return not self.local.isascii()


def parse_address(text: str) -> EmailAddress:
    """Read an address: one, without a name, without quotes, with a domain.

    Raises:
        AddressError: It is none.
    """
    written = text.strip()
    if not written:
        raise AddressError("email_required", "no e-mail address")
    local, at, domain = written.rpartition("@")
    ascii_domain = _read_domain(domain)
    if (
        not at
        or ascii_domain is None
        or not _LOCAL.fullmatch(local)
        or not local.isprintable()
        or len(_bytes_of(local)) not in range(1, _LONGEST_LOCAL + 1)
        or len(_bytes_of(local)) + len(ascii_domain) >= _LONGEST
    ):
        raise AddressError("email_invalid", "not an e-mail address")
    return EmailAddress(local, ascii_domain)


def _bytes_of(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return b""


def _read_domain(text: str) -> str | None:
    """Give a domain as DNS has it; None where it is none."""
    if len(text) > _LONGEST:
        return None
    try:
        domain = text.lower() if text.isascii() else idna.encode(text, uts46=True).decode()
    except idna.IDNAError:
        return None
    labels = domain.split(".")
    if len(labels) < 2 or not all(map(_LABEL.fullmatch, labels)) or labels[-1].isdecimal():
        return None
    return domain
