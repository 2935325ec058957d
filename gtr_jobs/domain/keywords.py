"""The words with which people want no more text messages, want them again, or ask what they are."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Literal

Keyword = Literal["stop", "start", "help"]

# Twilio's own, so that what is suppressed here is what it blocks; and the words of other languages
# that mean the same to whoever writes them.
KEYWORDS: Mapping[str, Keyword] = {
    **dict.fromkeys(
        ("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"), "stop"
    ),
    **dict.fromkeys(("ARRET", "STOPP", "ALTO", "BAJA", "ABMELDEN"), "stop"),
    **dict.fromkeys(("START", "YES", "UNSTOP"), "start"),
    **dict.fromkeys(("HELP", "INFO", "AIDE", "HILFE", "AYUDA"), "help"),
}
_LONGEST = 40


def read_keyword(body: str) -> Keyword | None:
    """Read a message that is one of these words and nothing else, however it is written.

    A message that has the word in it says something else: nobody is cut off for telling a story.
    """
    if len(body) > _LONGEST:
        return None
    # Marks apart from their letters, and left out with all that is no letter: ARRÊT., "Stop", opt-out.
    letters = unicodedata.normalize("NFKD", body)
    if len(letters.split()) > 1:
        return None
    return KEYWORDS.get("".join(sign for sign in letters if sign.isalpha()).upper())
