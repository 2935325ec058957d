"""What of a person's text a notification shows."""

from __future__ import annotations

import unicodedata

import pytest
import regex
from hypothesis import example, given
from hypothesis import strategies as st

from gtr_jobs.domain.payload import (
    BODY_CHARACTERS,
    ELLIPSIS,
    TITLE_CHARACTERS,
    fit_body,
    fit_text,
    fit_title,
)

FAMILY = "👨‍👩‍👧‍👦"
PERSIAN = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
SCOTLAND_WITHOUT_TAGS = "🏴"
# Texts that are dense in what is hard: marks, joiners, flags, Korean, controls.
HARD_SIGNS = (
    *("a", " ", "é", "e\u0301", FAMILY, "👍🏽", "🇩🇪", "🇯", "각", "\u1100\u1161", "\u11a8", "क्ष"),
    *("\u200d", "\u200c", "\u200b", "\u202e", "\x00", "\n", "\u00a0", "\ufe0f", "น้ำ", "\u3164"),
)
HARD = st.lists(st.sampled_from(HARD_SIGNS), max_size=60).map("".join)
TEXTS = HARD | st.text(max_size=400)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Is it still for sale?", "Is it still for sale?"),
        ("  two\r\n\tlines\u2028and\u00a0more  ", "two lines and more"),
        ("nul\x00 bell\x07 escape\x1b[31m", "nul bell escape[31m"),
        ("gpj.\u202eexe.txt\u202c", "gpj.exe.txt"),
        ("\u2066left\u2069 \u200fright\u200e", "left right"),
        ("zero\u200bwidth\ufeff\u2060", "zerowidth"),
        ("pay\u200dpal pay\u200cpal", "paypal paypal"),
        ("soft\u00adhyphen", "softhyphen"),
        ("half \ud83d pair", "half pair"),
        (FAMILY, FAMILY),
        (PERSIAN, PERSIAN),
        ("❤️ and 1️⃣", "❤️ and 1️⃣"),
        ("🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", SCOTLAND_WITHOUT_TAGS),
        ("\u3164\u115f\u2800", ""),
        ("\u200d\u200c", ""),
        ("", ""),
        (" \n ", ""),
        ("é\u00a0\u200dé", "é é"),
    ],
)
def test_only_what_can_be_seen_remains(text: str, shown: str) -> None:
    """Controls, direction marks and invisible signs go; joiners stay where they join."""
    assert fit_title(text) == shown
    assert fit_body(text) == shown


@pytest.mark.parametrize(
    ("text", "characters", "shown"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("abcd efg", 6, "abcd…"),
        ("abe\u0301def", 4, "ab…"),
        ("ab👍🏽def", 4, "ab…"),
        (f"ab{FAMILY}", 8, "ab…"),
        ("🇩🇪🇯🇵🇫🇷", 4, "🇩🇪…"),
        ("🇩🇪🇯🇵🇫🇷", 5, "🇩🇪🇯🇵…"),
        ("\u1112\u1161\u11ab\u1100\u1173", 3, "\u1112\u1161…"),
        ("한국어입니다", 4, "한국어…"),
        ("aक्षbcd", 3, "a…"),
        ("Z" + "\u0335" * 50, 10, "Z" + "\u0335" * 8 + "…"),
        ("ab", 1, "…"),
    ],
)
def test_a_long_text_ends_between_signs(text: str, characters: int, shown: str) -> None:
    """What reads as one sign is kept whole or left out."""
    assert fit_text(text, characters) == shown


def test_the_limits_are_those_of_their_names() -> None:
    """A title has 120 characters, a body 240."""
    assert fit_title("x" * 121) == "x" * 119 + ELLIPSIS
    assert fit_body("x" * 241) == "x" * 239 + ELLIPSIS
    assert fit_title("x" * 120) == "x" * 120
    assert fit_body("x" * 240) == "x" * 240


def test_a_huge_text_is_not_read_to_its_end() -> None:
    """Nobody's megabytes are worth the time; the beginning is what is shown."""
    assert fit_body("ab " * 10_000_000) == ("ab " * 80)[:239].rstrip() + ELLIPSIS


@given(TEXTS)
@example("x" * 120 + "\u200d")
def test_the_limits_hold_for_any_text(text: str) -> None:
    """However it is made, what remains is short, one line, valid UTF-8 and free of controls."""
    for fit, limit in ((fit_title, TITLE_CHARACTERS), (fit_body, BODY_CHARACTERS)):
        shown = fit(text)
        assert len(shown) <= limit
        assert len(shown.encode()) <= 4 * limit
        assert shown == shown.strip()
        categories = {unicodedata.category(sign) for sign in shown} - {"Cn", "Co"}
        assert not categories & {"Cc", "Cs", "Zl", "Zp"}
        assert {sign for sign in shown if unicodedata.category(sign) == "Cf"} <= set("\u200c\u200d")
        assert "  " not in shown


@given(TEXTS)
def test_fitting_twice_changes_nothing_more(text: str) -> None:
    """What has been fitted fits."""
    shown = fit_body(text)
    assert fit_body(shown) == shown


@given(HARD, st.integers(min_value=12, max_value=40))
def test_no_sign_is_cut_in_two(text: str, characters: int) -> None:
    """A shortened text ends where Unicode's own segmentation has a boundary."""
    whole = fit_text(text, 10_000)
    shown = fit_text(text, characters)
    if shown == whole:
        return
    kept = shown.removesuffix(ELLIPSIS)
    assert whole.startswith(kept)
    ends = {match.end() for match in regex.finditer(r"\X", whole)}
    longest_sign = max(len(sign) for sign in regex.findall(r"\X", whole))
    assert len(kept) in ends | {0} or whole[len(kept)] == " " or longest_sign >= characters
