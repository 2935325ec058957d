"""E-mail addresses: what can be written to, and what only looks like it."""

from __future__ import annotations

import pytest

from gtr_jobs.domain.email_address import (
    AddressError,
    AddressProblem,
    EmailAddress,
    parse_address,
)


@pytest.mark.parametrize(
    ("written", "address", "needs_utf8"),
    [
        ("ada@example.com", EmailAddress("ada", "example.com"), False),
        (" Ada.Lovelace+x@EXAMPLE.com\n", EmailAddress("Ada.Lovelace+x", "example.com"), False),
        ("o'neil_#1@a-b.example", EmailAddress("o'neil_#1", "a-b.example"), False),
        ("ada@b\u00fccher.example", EmailAddress("ada", "xn--bcher-kva.example"), False),
        (
            "ada@\u4f8b\u5b50.\u6d4b\u8bd5",
            EmailAddress("ada", "xn--fsqu00a.xn--0zwm56d"),
            False,
        ),
        ("j\u00f6rg@example.com", EmailAddress("j\u00f6rg", "example.com"), True),
    ],
)
def test_an_address_is_kept_as_it_goes_on_the_wire(
    written: str, address: EmailAddress, needs_utf8: bool
) -> None:
    """The local part as its owner writes it, the domain as DNS has it."""
    found = parse_address(written)
    assert (found, found.needs_utf8) == (address, needs_utf8)
    assert found.text == f"{address.local}@{address.domain}"


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("", "email_required"),
        ("  ", "email_required"),
        ("ada", "email_invalid"),
        ("@example.com", "email_invalid"),
        ("ada@", "email_invalid"),
        ("ada@localhost", "email_invalid"),
        ("ada@127.0.0.1", "email_invalid"),
        ("ada@[127.0.0.1]", "email_invalid"),
        ("ada@-example.com", "email_invalid"),
        ("ada@example..com", "email_invalid"),
        ("ada@xn--\u00fc.example", "email_invalid"),
        (".ada@example.com", "email_invalid"),
        ("ada.@example.com", "email_invalid"),
        ("ada..l@example.com", "email_invalid"),
        ('"ada l"@example.com', "email_invalid"),
        ("Ada <ada@example.com>", "email_invalid"),
        ("ada@example.com, eve@example.com", "email_invalid"),
        ("ada@example.com\r\nBcc: eve@example.com", "email_invalid"),
        ("ada\r\nBcc: eve@example.com", "email_invalid"),
        ("ada\x00@example.com", "email_invalid"),
        ("ada\u202e@example.com", "email_invalid"),
        ("ada\u2028@example.com", "email_invalid"),
        ("ada\ud800@example.com", "email_invalid"),
        ("a" * 65 + "@example.com", "email_invalid"),
        ("a@" + "a." * 130 + "com", "email_invalid"),
        ("ada@example.com SIZE=1", "email_invalid"),
        ("ada@example.com>", "email_invalid"),
    ],
)
def test_what_is_no_address_is_refused_without_being_repeated(
    written: str, problem: AddressProblem
) -> None:
    """Line ends above all: what stands behind one would be a header or a command."""
    with pytest.raises(AddressError) as refused:
        parse_address(written)
    assert refused.value.code == problem
    assert "eve" not in str(refused.value)


def test_an_address_does_not_show_itself() -> None:
    """It may end in a traceback."""
    assert repr(parse_address("ada@example.com")) == "EmailAddress()"
