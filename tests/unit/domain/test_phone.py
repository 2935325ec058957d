"""Telephone numbers: what is one, where it is, and what it is."""

from __future__ import annotations

import pytest

from gtr_jobs.domain.phone import (
    PhoneError,
    PhoneKind,
    PhoneProblem,
    country_of,
    parse_phone,
    phone_kind,
)


@pytest.mark.parametrize(
    ("written", "e164"),
    [
        ("+14155550123", "+14155550123"),
        ("  +1 (555) 010-0000 ", "+15550100000"),
        ("+44 20 7946 0018", "+442079460018"),
        ("+49 30/123456", "+4930123456"),
        ("+39 06 1234567", "+39061234567"),
        (
            "\uff0b\uff11\uff14\uff11\uff15\uff15\uff15\uff15\uff10\uff11\uff12\uff13",
            "+14155550123",
        ),
        ("+\u0661\u0664\u0661\u0665\u0665\u0665\u0665\u0660\u0661\u0662\u0663", "+14155550123"),
        ("+15005550006", "+15005550006"),
        ("+870773111632", "+870773111632"),
    ],
)
def test_a_number_is_kept_in_e164(written: str, e164: str) -> None:
    """However people write it, and in whatever digits."""
    assert parse_phone(written) == e164


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("", "phone_required"),
        (" \n", "phone_required"),
        ("5551234", "phone_not_e164"),
        ("14155550123", "phone_not_e164"),
        ("+1555123456789012345", "phone_not_e164"),
        ("+0123456789", "phone_not_e164"),
        ("+", "phone_not_e164"),
        ("+1", "phone_not_e164"),
        ("+1415555", "phone_not_e164"),
        ("+1 415 555 0123 ext. 4", "phone_not_e164"),
        ("+1415FLOWERS", "phone_not_e164"),
        ("+14155550123\x00", "phone_not_e164"),
        ("++14155550123", "phone_not_e164"),
        ("+1" + " " * 60 + "4155550123", "phone_not_e164"),
        ("+999123456789", "phone_not_e164"),
        ("whatsapp:+14155550123", "phone_channel"),
        ("tel:+14155550123", "phone_channel"),
        ("+14155550123\ud800", "phone_not_e164"),
    ],
)
def test_what_is_no_number_is_refused_without_being_repeated(
    written: str, problem: PhoneProblem
) -> None:
    """The error says which problem it is, and nothing of what was written."""
    with pytest.raises(PhoneError) as refused:
        parse_phone(written)
    assert refused.value.code == problem
    digits = "".join(filter(str.isdigit, written))
    assert not digits or digits not in str(refused.value).replace("+14155550123", "")


@pytest.mark.parametrize(
    ("phone", "country"),
    [
        ("+14155552671", "US"),
        ("+16135550123", "CA"),
        ("+442079460018", "GB"),
        ("+4930123456", "DE"),
        ("+15550100000", "US"),
        ("+881612345678", "001"),
        ("+870773111632", "001"),
    ],
)
def test_a_numbers_country_is_told(phone: str, country: str) -> None:
    """Where several share a code by their ranges, and by the main one where the range says nothing."""
    assert country_of(phone) == country


@pytest.mark.parametrize(
    ("phone", "kind"),
    [
        ("+447400123456", "mobile"),
        ("+442079460018", "landline"),
        ("+14155552671", "either"),
        ("+19002345678", "premium"),
        ("+881612345678", "satellite"),
        ("+870773111632", "satellite"),
        ("+18002345678", "other"),
        ("+15550100000", "other"),
    ],
)
def test_what_a_number_is_follows_its_countrys_plan(phone: str, kind: PhoneKind) -> None:
    """So that premium and satellite ranges can be refused before they cost anything."""
    assert phone_kind(phone) == kind
