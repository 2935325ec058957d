"""How many messages of the telephone network a text is: what it costs.

A message holds 140 bytes: 160 characters of the GSM alphabet at 7 bits, or 70 units of UTF-16 where
one character is not in that alphabet. A text that needs several gives up 6 bytes of each for the
header that joins them: 153 or 67. What takes two places is never torn apart, so a place may stay
empty. (3GPP TS 23.038 and 23.040.)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Encoding = Literal["gsm7", "ucs2"]

# Twilio takes no longer text; the network itself has 255 segments.
LONGEST_BODY = 1600

_SINGLE: dict[Encoding, int] = {"gsm7": 160, "ucs2": 70}
_JOINED: dict[Encoding, int] = {"gsm7": 153, "ucs2": 67}

_GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Written with an escape before them, and so two places wide.
_GSM_EXTENDED = frozenset("\f^{}\\[~]|€")


@dataclass(frozen=True, slots=True)
class Segments:
    """What a text comes to.

    Args:
        encoding: The alphabet that it needs.
        count: How many messages of the network; an empty text is one.
    """

    encoding: Encoding
    count: int


def count_segments(body: str) -> Segments:
    """Count the segments that a text is sent in."""
    signs = set(body)
    encoding: Encoding = "gsm7" if signs <= _GSM_BASIC | _GSM_EXTENDED else "ucs2"
    if encoding == "gsm7":
        widths = [2 if sign in _GSM_EXTENDED else 1 for sign in body]
    else:
        widths = [2 if ord(sign) > 0xFFFF else 1 for sign in body]
    if sum(widths) <= _SINGLE[encoding]:
        return Segments(encoding, 1)
    return Segments(encoding, _fill(widths, _JOINED[encoding]))


def _fill(widths: Iterable[int], room: int) -> int:
    """Put signs one after another into segments of so much room; give how many there are."""
    count, left = 1, room
    for width in widths:
        if width > left:
            count, left = count + 1, room
        left -= width
    return count
