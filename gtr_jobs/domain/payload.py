"""Fit what people wrote into what a notification can hold.

The providers take 4,096 bytes of JSON. A title of 120 and a body of 240 characters are at most 1,440
bytes of UTF-8 whatever is in them, and leave the rest to links and ids.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

TITLE_CHARACTERS = 120
BODY_CHARACTERS = 240

ELLIPSIS = "…"

# A text is read no further: what comes later could not be shown anyway.
LONGEST_READ = 20_000

_JOINERS = "\u200c\u200d"
_ZERO_WIDTH_JOINER = "\u200d"
# A joiner stays where it joins: in emoji, in Persian, in the scripts of India. Elsewhere it only
# makes a word unlike itself.
_STRAY_JOINERS = re.compile(
    rf"(?<![^\x00-\x7f{_JOINERS}])[{_JOINERS}]+"
    rf"|[{_JOINERS}]+(?![^\x00-\x7f{_JOINERS}])"
    rf"|[{_JOINERS}]{{2,}}"
)
# Letters and signs that show nothing: the fillers of Hangul, the empty Braille cell, the grapheme
# joiner, the inherent vowels of Khmer.
_INVISIBLE = "\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5"
_INVISIBLE_PATTERN = re.compile(f"[{_INVISIBLE}]")

_REGIONAL_INDICATORS = ("\U0001f1e6", "\U0001f1ff")
_SKIN_TONES = ("\U0001f3fb", "\U0001f3ff")
# Letters by category that belong to the letter before them: sara am, halfwidth voicing marks.
_TRAILING_LETTERS = frozenset("\u0e33\u0eb3\uff9e\uff9f")
_VIRAMA = 9


def fit_title(text: str) -> str:
    """Make a notification's title: one line of at most `TITLE_CHARACTERS`."""
    return fit_text(text, TITLE_CHARACTERS)


def fit_body(text: str) -> str:
    """Make a notification's body: one line of at most `BODY_CHARACTERS`."""
    return fit_text(text, BODY_CHARACTERS)


def fit_text(text: str, characters: int) -> str:
    """Clean a text and shorten it to a number of characters.

    Control, bidirectional and zero-width characters go, white space becomes single spaces, and what
    is too long ends with an ellipsis, never in the middle of something that reads as one sign.

    Args:
        text: What somebody wrote.
        characters: The most code points that may remain, at least one.

    Returns:
        The text; empty when nothing of it would be visible.
    """
    line = _clean(text[:LONGEST_READ])
    if len(line) <= characters:
        return line
    end = characters - 1
    while end > 0 and not _may_end_before(line, end):
        end -= 1
    # A single sign that is longer than everything allowed is not worth sparing.
    return line[: end or characters - 1].rstrip() + ELLIPSIS


def _clean(text: str) -> str:
    # isprintable() is false for everything that could have to go, but for a few letters.
    if not text.isprintable() or _INVISIBLE_PATTERN.search(text):
        text = _STRAY_JOINERS.sub("", _collapse("".join(map(_visible, text))))
    return _collapse(text)


def _collapse(text: str) -> str:
    return " ".join(text.split())


@lru_cache(maxsize=4096)
def _visible(character: str) -> str:
    """Give what remains of one character; white space is left for later."""
    if character in _JOINERS or character.isspace():
        return character
    if character in _INVISIBLE or unicodedata.category(character) in {"Cc", "Cf", "Cs"}:
        return ""
    return character


def _may_end_before(text: str, index: int) -> bool:
    """Tell whether a text may be cut before a position without tearing a sign apart."""
    before, after = text[index - 1], text[index]
    if before == _ZERO_WIDTH_JOINER or _continues(after):
        return False
    if unicodedata.combining(before) == _VIRAMA and unicodedata.category(after) == "Lo":
        return False
    if _is_between(after, _REGIONAL_INDICATORS):
        return _flags_are_whole(text, index)
    return not _is_one_syllable(before, after)


def _continues(character: str) -> bool:
    return (
        character in _JOINERS
        or character in _TRAILING_LETTERS
        or _is_between(character, _SKIN_TONES)
        or unicodedata.category(character).startswith("M")
    )


def _is_between(character: str, ends: tuple[str, str]) -> bool:
    return ends[0] <= character <= ends[1]


def _flags_are_whole(text: str, index: int) -> bool:
    """Tell whether an even number of regional indicators, which make flags in pairs, comes before."""
    start = index
    while start > 0 and _is_between(text[start - 1], _REGIONAL_INDICATORS):
        start -= 1
    return (index - start) % 2 == 0


def _is_one_syllable(before: str, after: str) -> bool:
    """Tell whether two characters are parts of one Korean syllable."""
    first, second = _syllable_part(before), _syllable_part(after)
    if first == "L":
        return second in {"L", "V", "LV", "LVT"}
    if first in {"V", "LV"}:
        return second in {"V", "T"}
    return first in {"T", "LVT"} and second == "T"


def _syllable_part(character: str) -> str:
    """Name the part of a Korean syllable that a character is; empty for any other character."""
    code = ord(character)
    if 0xAC00 <= code <= 0xD7A3:
        return "LV" if (code - 0xAC00) % 28 == 0 else "LVT"
    for part, ranges in _JAMO.items():
        if any(low <= code <= high for low, high in ranges):
            return part
    return ""


_JAMO = {
    "L": ((0x1100, 0x115F), (0xA960, 0xA97C)),
    "V": ((0x1160, 0x11A7), (0xD7B0, 0xD7C6)),
    "T": ((0x11A8, 0x11FF), (0xD7CB, 0xD7FB)),
}
