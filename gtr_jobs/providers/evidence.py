"""Tell one device's fault from ours.

Some refusals mean either: "this token belongs to another sender" is true of a single token that an
old build registered, and of every token when the wrong project is configured. What the provider has
said of other devices lately decides: a device is given up only where that speaks for it, and a burst
of refusals is a setting of ours, whatever they say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from gtr_jobs.domain.outcome import Accepted, DeadTarget, Misconfigured, Outcome, Rejected
from gtr_jobs.domain.push import Push

# What counts as one batch: what is settled together, and what came before up to so many devices.
WINDOW = 100
# A burst: more than this part of a batch, of which there must be so many devices at least.
BURST_SHARE = 0.3
BURST_DEVICES = 20

_Said = Literal["taken", "gone", "doubted"]


class Evidence:
    """What a provider has lately said of devices: that it knows them, or that they are not ours.

    A device counts once, by what was last said of it, so that a push that is tried again and again
    makes no burst by itself. "No longer registered" is ordinary, however many hear it: it speaks
    for our settings, as the provider knew the device by them, but not for another device.

    Args:
        ours_when_many: Codes that mean a setting in a burst, and which setting.
        dead_when_few: Codes that mean a dead device while most others are fine.
    """

    def __init__(self, ours_when_many: Mapping[str, str], dead_when_few: frozenset[str]) -> None:
        self._ours_when_many = ours_when_many
        self._dead_when_few = dead_when_few
        self._said: dict[str, _Said] = {}

    def settle(self, pushes: Sequence[Push], outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Take in how a batch ended, and decide about the doubtful ones.

        Args:
            pushes: What was sent.
            outcomes: How each ended, in the same order.

        Returns:
            The outcomes, in the same order.
        """
        said, is_doubtful = self._said, False
        for push, outcome in zip(pushes, outcomes, strict=True):
            what = self._read(outcome)
            if what is not None:
                token = push.target.token
                said.pop(token, None)
                said[token] = what
                is_doubtful = is_doubtful or what == "doubted"
        settled = self._decide(outcomes) if is_doubtful else list(outcomes)
        while len(said) > WINDOW:
            del said[next(iter(said))]
        return settled

    def _read(self, outcome: Outcome) -> _Said | None:
        """Say what an outcome tells of the device; None where it tells nothing."""
        if isinstance(outcome, Accepted):
            return "taken"
        if self._doubted_code(outcome):
            return "doubted"
        return "gone" if isinstance(outcome, DeadTarget) else None

    def _decide(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        said = list(self._said.values())
        taken, doubted = said.count("taken"), said.count("doubted")
        if len(said) >= BURST_DEVICES and doubted > BURST_SHARE * len(said):
            return [self._blame_setting(outcome) for outcome in outcomes]
        if taken > doubted:
            return [self._give_up(outcome) for outcome in outcomes]
        return list(outcomes)

    def _blame_setting(self, outcome: Outcome) -> Outcome:
        code = self._doubted_code(outcome)
        setting = self._ours_when_many.get(code)
        return outcome if setting is None else Misconfigured(code, setting)

    def _give_up(self, outcome: Outcome) -> Outcome:
        code = self._doubted_code(outcome)
        return DeadTarget(code) if code in self._dead_when_few else outcome

    def _doubted_code(self, outcome: Outcome) -> str:
        """Give the code that leaves a doubt; empty where none does."""
        if not isinstance(outcome, Misconfigured | Rejected | DeadTarget):
            return ""
        is_doubted = outcome.code in self._ours_when_many or outcome.code in self._dead_when_few
        return outcome.code if is_doubted else ""
