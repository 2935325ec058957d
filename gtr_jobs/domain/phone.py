"""A telephone number: read as people write it, kept as E.164, never shown in an error."""

from __future__ import annotations

import re
from typing import Literal

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from gtr_jobs.domain.errors import UsageError

PhoneProblem = Literal["phone_required", "phone_not_e164", "phone_channel"]
PhoneKind = Literal["mobile", "landline", "either", "premium", "satellite", "other"]

# E.164 has fifteen digits; what is longer than this with all its signs is none.
_LONGEST = 40
# Decimal digits of any script, and what people write between them. Letters, extensions and
# addresses of other channels are not taken for a number.
_WRITTEN = re.compile(r"[+\uff0b][\s\d().\-\u2010-\u2015\u00a0/]+")
_CHANNEL = re.compile(r"[A-Za-z]{2,20}:")
_E164 = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)

# Numbers that belong to no country, such as satellites and freephone of the whole world.
NO_COUNTRY = "001"

# Inmarsat and the global mobile satellite systems: several euros a message.
_SATELLITE_CODES = frozenset({870, 881})

_KINDS: dict[int, PhoneKind] = {
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE: "landline",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "either",
    PhoneNumberType.PREMIUM_RATE: "premium",
    PhoneNumberType.SHARED_COST: "premium",
}


class PhoneError(UsageError):
    """What was given is no telephone number; the number itself is not in the text.

    Args:
        code: Which of the problems it is.
        message: What is wrong.
        hint: What to do about it.
    """

    def __init__(self, code: PhoneProblem, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.code: PhoneProblem = code


_HINT = "write it with + and the country's code, as in +14155550123"


def parse_phone(text: str) -> str:
    """Read a telephone number and give it in E.164.

    Its length must be one that its country has. Whether the number is assigned is not asked: plans
    change faster than libraries, and providers' test numbers are in none.

    Raises:
        PhoneError: It is empty, no international number, or an address of another channel.
    """
    written = text.strip()
    if not written:
        raise PhoneError("phone_required", "no phone number", _HINT)
    if _CHANNEL.match(written):
        raise PhoneError(
            "phone_channel", "a phone number for another channel", "SMS takes plain numbers only"
        )
    if len(written) <= _LONGEST and _WRITTEN.fullmatch(written):
        try:
            number = phonenumbers.parse(written, None)
        except NumberParseException:
            pass
        else:
            e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
            if phonenumbers.is_possible_number(number) and _E164.fullmatch(e164):
                return e164
    raise PhoneError("phone_not_e164", "not a phone number in international form", _HINT)


def country_of(phone: str) -> str:
    """Give the country of an E.164 number as ISO 3166 names it; `001` for those of no country."""
    number = phonenumbers.parse(phone, None)
    region = phonenumbers.region_code_for_number(number)
    if region is None:
        # A range that the library does not know: the main country of its code.
        region = phonenumbers.region_code_for_country_code(number.country_code or 0)
    return NO_COUNTRY if region == "ZZ" else region


def phone_kind(phone: str) -> PhoneKind:
    """Tell what an E.164 number is by its country's plan; `other` where the plan does not say."""
    number = phonenumbers.parse(phone, None)
    if number.country_code in _SATELLITE_CODES:
        return "satellite"
    return _KINDS.get(phonenumbers.number_type(number), "other")
