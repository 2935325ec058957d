"""Texts and e-mails to people of whom each is written to once, and the books that must agree about them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from support.texting import create_texter, notify_email, notify_sms
from support.way import Way

from gtr_jobs.dev.standins.script import AnswerSequence, ScriptedAnswer

Channel = Literal["sms", "email"]

_LEDGER = "select dedupe_key::text, state::text, resent_after_unknown from gtr_jobs.deliveries"
_DEAD = "select args ->> 'id' from gtr_jobs.dead_jobs"


@dataclass(frozen=True, slots=True)
class Letter:
    """A text or an e-mail.

    Args:
        delivery_id: Names its delivery.
        address: Whose it is: nobody else's has the same.
    """

    delivery_id: str
    address: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Known:
    """What all sides say of a letter.

    Args:
        state: Of its delivery; `not begun` where there is none.
        is_resent: Whether its delivery is marked as sent again.
        accepted: How often the provider took it.
        is_dead: Whether its job is on the list of the dead.
    """

    state: str
    is_resent: bool
    accepted: int
    is_dead: bool


def name_fate(channel: Channel, known: Known) -> str:
    """Hold what is said of a letter against each other; say in words how it ended.

    It was accepted at most once, but where it is marked as sent again, and an e-mail never is. What is sent was accepted,
    and of nothing that was accepted the ledger says that it was not.
    """
    assert known.accepted <= 1 + known.is_resent, known
    assert not (channel == "email" and known.is_resent), known
    if known.state in {"unknown", "not begun"}:
        # Three workers were killed over it, or nobody can be asked: it is left to an operator.
        assert known.is_dead, known
        assert known.state == "unknown" or not known.accepted, known
    else:
        assert known.state == "sent", known
        assert known.accepted >= 1, known
    return f"{known.state}{' again' if known.is_resent else ''}"


class Letters:
    """Writes to people.

    Args:
        way: The database, and the providers' stand-ins.
        channel: What they get.
    """

    def __init__(self, way: Way, channel: Channel) -> None:
        self._way = way
        self._channel = channel
        self._written: list[Letter] = []

    async def write(self, *answers: ScriptedAnswer) -> list[Letter]:
        """Write to one more person for each answer that the provider is to give; all of it is one commit."""
        is_text = self._channel == "sms"
        notify = notify_sms if is_text else notify_email
        readers = []
        for count, answer in enumerate(answers, len(self._written) + 1):
            number = f"+1415555{count:04d}"
            reader = await create_texter(self._way.connection, f"person{count}", number)
            address = number if is_text else f"person{count}@example.test"
            self.script_of(address).add(answer)
            readers.append((reader, address))
        written = []
        async with self._way.connection.transaction():
            for reader, address in readers:
                told = await notify(self._way.connection, reader)
                written.append(Letter(str(UUID(told["delivery_id"])), address))
        self._written += written
        return written

    def script_of(self, address: str) -> AnswerSequence:
        """Give what the provider answers to letters for an address."""
        providers = self._way.providers
        standin = providers.twilio if self._channel == "sms" else providers.smtp
        return standin.script.for_token(address)

    async def know(self) -> dict[str, Known]:
        """Ask all sides about every letter, by the names of their deliveries."""
        rows = await self._way.fetch(_LEDGER)
        ledger = {key: (state, is_resent) for key, state, is_resent in rows}
        assert ledger.keys() <= {letter.delivery_id for letter in self._written}
        dead = {key for (key,) in await self._way.fetch(_DEAD)}
        accepted = Counter(entry.token for entry in self._way.providers.ledger.entries())
        return {
            letter.delivery_id: Known(
                # Three workers may be killed before one of them begins.
                *ledger.get(letter.delivery_id, ("not begun", False)),
                accepted[letter.address],
                letter.delivery_id in dead,
            )
            for letter in self._written
        }

    async def check(self) -> Counter[str]:
        """Hold the books against each other; give how many letters ended how (see `name_fate`)."""
        known = await self.know()
        return Counter(name_fate(self._channel, one) for one in known.values())
