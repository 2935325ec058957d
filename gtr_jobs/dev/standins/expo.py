"""Stands in for Expo's push service: `push/send` and `push/getReceipts`."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence

from gtr_jobs.dev.standins import expo_answers as answers
from gtr_jobs.dev.standins.exchange import Answer, Request, Respond
from gtr_jobs.dev.standins.expo_messages import (
    Notification,
    SendRequest,
    UnreadableError,
    read_json,
    read_send_request,
)
from gtr_jobs.dev.standins.expo_receipts import ExpoReceipts
from gtr_jobs.dev.standins.ledger import Ledger
from gtr_jobs.dev.standins.phones import Phones
from gtr_jobs.dev.standins.script import Accept, Fail, ScriptedAnswer
from gtr_jobs.dev.standins.standin import StandIn
from gtr_jobs.dev.standins.tls import ThrowawayAuthority

SEND_PATH = "/--/api/v2/push/send"
RECEIPTS_PATH = "/--/api/v2/push/getReceipts"
# The project of tokens that belong to no other.
DEFAULT_EXPERIENCE = "@gtr/app"


class ExpoStandIn(StandIn):
    """Expo's push service as exp.host answers it.

    A Fail that is scripted for a token becomes that token's ticket; any other answer scripted for a
    token is given to the whole request that carries it.

    Args:
        authority: Issues its certificate.
        phones: The devices.
        ledger: Where acceptances go: what reaches the phone, not every `ok` ticket.
        port: Where to listen.

    Attributes:
        receipts: What became of tickets, and how to script it.
        access_token: Required where it is not empty ("enhanced push security").
        notifications_per_second: The rate at which 429 begins; None for no limit. Expo's is 600.
        told_late: Errors that show in the receipt only, after an `ok` ticket.
    """

    def __init__(
        self, authority: ThrowawayAuthority, phones: Phones, ledger: Ledger, port: int = 0
    ) -> None:
        super().__init__(authority, port)
        self._phones = phones
        self._ledger = ledger
        self._second = 0
        self._sent_in_second = 0
        self.receipts = ExpoReceipts(phones)
        self.access_token = ""
        self.notifications_per_second: int | None = None
        self.told_late = {"MessageTooBig"}

    def answer(self, request: Request) -> Answer:
        """Answer a request to send or to read receipts."""
        if request.method != "POST" or request.path not in {SEND_PATH, RECEIPTS_PATH}:
            return answers.not_found()
        if self.access_token and request.headers.get("authorization") != (
            f"Bearer {self.access_token}"
        ):
            return answers.unauthorized(DEFAULT_EXPERIENCE)
        try:
            if request.path == RECEIPTS_PATH:
                ids = _read_ids(request)
                return self.play(self.script.take(), request, lambda: self._find_receipts(ids))
            return self._answer_send(request, read_send_request(request))
        except UnreadableError as error:
            return answers.invalid(str(error))

    def refuse(self, failure: Fail, request: Request) -> Respond:
        """Put a scripted failure into Expo's words for a whole request."""
        del request
        return answers.request_error(
            failure.status, failure.reason, details=failure.details, headers=failure.headers
        )

    def reset(self) -> None:
        """Forget the script, the counts and the receipts."""
        super().reset()
        self.receipts.clear()

    def _answer_send(self, request: Request, sent: SendRequest) -> Answer:
        own = [self.script.take_own(each.token) for each in sent.notifications]
        whole = next((each for each in own if not isinstance(each, _FOR_A_TICKET)), None)
        return self.play(
            whole or self.script.take(), request, lambda: self._send(request, sent, own)
        )

    def _send(
        self, request: Request, sent: SendRequest, own: Sequence[ScriptedAnswer | None]
    ) -> Respond:
        count = len(sent.notifications)
        if count > answers.MAX_NOTIFICATIONS:
            return answers.too_many_notifications(count)
        experiences = self._group(sent.notifications)
        if len(experiences) > 1:
            return answers.too_many_experiences(experiences)
        if self.notifications_per_second is not None and self._is_too_fast(count):
            return answers.too_many_requests(self.notifications_per_second)
        found = [
            self._take(request, each, scripted)
            for each, scripted in zip(sent.notifications, own, strict=True)
        ]
        return answers.tickets(found, is_single=sent.is_single)

    def _group(self, notifications: list[Notification]) -> dict[str, list[str]]:
        groups: dict[str, list[str]] = {}
        for each in notifications:
            phone = self._phones.find(each.token)
            experience = phone.app if phone is not None else ""
            groups.setdefault(experience or DEFAULT_EXPERIENCE, []).append(each.token)
        return groups

    def _is_too_fast(self, count: int) -> bool:
        now = int(time.monotonic())
        if now != self._second:
            self._second, self._sent_in_second = now, 0
        self._sent_in_second += count
        return self._sent_in_second > (self.notifications_per_second or 0)

    def _take(
        self, request: Request, each: Notification, scripted: ScriptedAnswer | None
    ) -> answers.Ticket:
        if isinstance(scripted, Fail):
            return answers.ticket_error(scripted.reason, each.token)
        if not each.is_well_addressed:
            return answers.ticket_malformed(each.token)
        error = self._find_error(each)
        if error and error not in self.told_late:
            return _refuse_ticket(error, each.token)
        ticket_id = str(uuid.uuid4())
        self.receipts.keep(ticket_id, each.token, error)
        if not error and not self.receipts.is_scripted_to_fail(each.token):
            self._ledger.record("expo", each.token, ticket_id, each.message, request.headers)
        return answers.ticket_ok(ticket_id)

    def _find_error(self, each: Notification) -> str:
        phone = self._phones.find(each.token)
        if phone is None or phone.uninstalled_at is not None:
            return "DeviceNotRegistered"
        return "MessageTooBig" if each.is_too_big else ""

    def _find_receipts(self, ids: list[str]) -> Respond:
        if len(ids) > answers.MAX_RECEIPTS:
            return answers.too_many_receipts(len(ids))
        found = {each: self.receipts.find(each) for each in ids}
        return answers.receipts({each: receipt for each, receipt in found.items() if receipt})


_FOR_A_TICKET = (Accept, Fail, type(None))


def _read_ids(request: Request) -> list[str]:
    value = read_json(request)
    ids = value.get("ids") if isinstance(value, dict) else None
    if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
        raise UnreadableError('"ids" must be an array of strings.')
    return ids


def _refuse_ticket(error: str, token: str) -> answers.Ticket:
    if error == "DeviceNotRegistered":
        return answers.ticket_unregistered(token)
    return answers.ticket_error(error, token)
