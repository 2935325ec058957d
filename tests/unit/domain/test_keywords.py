"""Which words end text messages, begin them again or ask what they are."""

from __future__ import annotations

import pytest

from gtr_jobs.domain.keywords import KEYWORDS, Keyword, read_keyword

# What Twilio itself takes for each.
TWILIO: dict[Keyword, str] = {
    "stop": "STOP STOPALL UNSUBSCRIBE CANCEL END QUIT REVOKE OPTOUT",
    "start": "START YES UNSTOP",
    "help": "HELP INFO",
}


@pytest.mark.parametrize(
    ("keyword", "word"), [(one, word) for one, words in TWILIO.items() for word in words.split()]
)
def test_twilios_words_are_ours(keyword: Keyword, word: str) -> None:
    """What is blocked there is suppressed here, in any case."""
    assert [read_keyword(text) for text in (word, word.lower(), word.title())] == [keyword] * 3


@pytest.mark.parametrize(
    ("body", "keyword"),
    [
        (" stop \n", "stop"),
        ("Stop.", "stop"),
        ('"STOP"', "stop"),
        ("opt-out", "stop"),
        ("\uff33\uff34\uff2f\uff30", "stop"),
        ("arrêt", "stop"),
        ("Stopp!", "stop"),
        ("hilfe?", "help"),
        ("Please stop", None),
        ("stop it", None),
        ("stopping", None),
        ("", None),
        ("!!!", None),
        ("STOP" * 1000, None),
        ("\u202eSTOP", "stop"),
    ],
)
def test_a_message_is_a_word_or_none(body: str, keyword: Keyword | None) -> None:
    """Signs round it do not matter, words beside it do."""
    assert read_keyword(body) == keyword


def test_every_word_is_read_as_it_stands() -> None:
    """None is listed in a form that is never looked for."""
    assert {word: read_keyword(word) for word in KEYWORDS} == dict(KEYWORDS)
