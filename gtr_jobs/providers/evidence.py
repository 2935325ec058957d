"""Tell one device's fault from ours.

Some refusals mean either: "this token belongs to another sender" is true of a single token that an
old build registered, and of every token when the wrong project is configured. What the provider has
said of other devices lately decides: a device is given up only where that speaks for it, and many
refusals at once are a setting of ours, whatever they say.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

from gtr_jobs.domain.outcome import Accepted, DeadTarget, Misconfigured, Outcome, Rejected

_REMEMBERED = 100
_BURST = 5


class Evidence:
    """What a provider has lately said of tokens: that it knows them, or that they are not ours.

    Args:
        ours_when_many: Codes that mean a setting when many devices get them, and which setting.
        dead_when_few: Codes that mean a dead device while most others are fine.
    """

    def __init__(self, ours_when_many: Mapping[str, str], dead_when_few: frozenset[str]) -> None:
        self._ours_when_many = ours_when_many
        self._dead_when_few = dead_when_few
        self._known: deque[bool] = deque(maxlen=_REMEMBERED)

    def settle(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """Take in how a batch ended, and decide about the doubtful ones.

        Returns:
            The outcomes, in the same order.
        """
        found = list(outcomes)
        for outcome in found:
            if isinstance(outcome, Accepted):
                self._known.append(True)
            elif self._doubted_code(outcome):
                self._known.append(False)
        return [self._decide(outcome) for outcome in found]

    def _decide(self, outcome: Outcome) -> Outcome:
        code = self._doubted_code(outcome)
        if not code:
            return outcome
        known = self._known.count(True)
        doubted = len(self._known) - known
        if doubted >= max(known, _BURST) and code in self._ours_when_many:
            return Misconfigured(code, self._ours_when_many[code])
        if known > doubted and code in self._dead_when_few:
            return DeadTarget(code)
        return outcome

    def _doubted_code(self, outcome: Outcome) -> str:
        """Give the code that leaves a doubt; empty where none does."""
        if not isinstance(outcome, Misconfigured | Rejected | DeadTarget):
            return ""
        is_doubted = outcome.code in self._ours_when_many or outcome.code in self._dead_when_few
        return outcome.code if is_doubted else ""
