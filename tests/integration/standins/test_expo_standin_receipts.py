"""The stand-in for Expo's push service keeps receipts as Expo does."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pyreqwest.client import Client, ClientBuilder

from gtr_jobs.dev.standins import Fail, ProviderStandIns


@pytest.fixture
async def providers() -> AsyncIterator[ProviderStandIns]:
    """The stand-ins, running."""
    async with ProviderStandIns() as running:
        yield running


@pytest.fixture
async def client(providers: ProviderStandIns) -> AsyncIterator[Client]:
    """A client that trusts the stand-ins."""
    certificate = providers.ca_file.read_bytes()
    async with ClientBuilder().add_root_certificate_pem(certificate).build() as opened:
        yield opened


async def post(
    providers: ProviderStandIns, client: Client, action: str, body: Any
) -> tuple[int, Any]:
    """Post JSON to one of Expo's two addresses: the status, and the data or the errors."""
    url = f"{providers.expo.url}/--/api/v2/push/{action}"
    response = await client.post(url).body_json(body).build().send()
    answer = await response.json()
    return response.status, answer.get("data", answer.get("errors"))


async def send(
    providers: ProviderStandIns, client: Client, token: str, body: str = "B"
) -> dict[str, Any]:
    """Send a message and give its ticket."""
    _, ticket = await post(providers, client, "send", {"to": token, "body": body})
    found: dict[str, Any] = ticket
    return found


async def receipts(providers: ProviderStandIns, client: Client, *ids: str) -> Any:
    """Fetch receipts."""
    return (await post(providers, client, "getReceipts", {"ids": list(ids)}))[1]


async def test_a_delivered_message_has_an_ok_receipt(
    providers: ProviderStandIns, client: Client
) -> None:
    """Known tickets have receipts; unknown ones are left out."""
    ticket = await send(providers, client, providers.phones.add_new("expo"))

    found = await receipts(providers, client, ticket["id"], str(uuid.uuid4()))

    assert found == {ticket["id"]: {"status": "ok"}}


async def test_a_message_that_is_too_big_shows_in_its_receipt(
    providers: ProviderStandIns, client: Client
) -> None:
    """As documented, 4096 bytes are found exceeded after the ticket; no phone gets it."""
    token = providers.phones.add_new("expo")
    small, big = [await send(providers, client, token, "x" * size) for size in (4085, 4086)]

    found = await receipts(providers, client, small["id"], big["id"])

    assert found[small["id"]] == {"status": "ok"}
    assert found[big["id"]]["details"] == {"error": "MessageTooBig"}
    assert [entry.message_id for entry in providers.ledger.entries()] == [small["id"]]


async def test_a_message_that_is_too_big_can_show_in_its_ticket(
    providers: ProviderStandIns, client: Client
) -> None:
    """Where errors are not told late, the ticket has them."""
    providers.expo.told_late.clear()
    token = providers.phones.add_new("expo")

    ticket = await send(providers, client, token, "x" * 5000)

    assert ticket["details"] == {"error": "MessageTooBig", "expoPushToken": token}


async def test_an_app_that_was_removed_can_show_in_the_receipt_only(
    providers: ProviderStandIns, client: Client
) -> None:
    """Expo may learn of it from Apple or Google: before or after the ticket was given."""
    providers.expo.told_late.add("DeviceNotRegistered")
    before, after = providers.phones.add_new("expo"), providers.phones.add_new("expo")
    providers.phones.uninstall(before)
    tickets = [await send(providers, client, token) for token in (before, after)]
    providers.phones.uninstall(after)

    found = await receipts(providers, client, *[ticket["id"] for ticket in tickets])

    assert [receipt["details"] for receipt in found.values()] == [
        {"error": "DeviceNotRegistered"}
    ] * 2
    assert [entry.token for entry in providers.ledger.entries()] == [after]


@pytest.mark.parametrize(
    "error",
    ["MessageRateExceeded", "MismatchSenderId", "InvalidCredentials", "ProviderError"],
)
async def test_receipts_can_be_scripted(
    providers: ProviderStandIns, client: Client, error: str
) -> None:
    """A device's tickets can get any error receipt, and its messages reach no phone."""
    token, other = providers.phones.add_new("expo"), providers.phones.add_new("expo")
    providers.expo.receipts.script(token, error)
    tickets = [await send(providers, client, each) for each in (token, other)]

    found = await receipts(providers, client, *[ticket["id"] for ticket in tickets])

    assert [ticket["status"] for ticket in tickets] == ["ok", "ok"]
    assert found[tickets[0]["id"]]["details"] == {"error": error}
    assert found[tickets[1]["id"]] == {"status": "ok"}
    assert [entry.token for entry in providers.ledger.entries()] == [other]


async def test_receipts_can_be_missing(
    providers: ProviderStandIns, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are left out when withheld, and after a day."""
    late, old = providers.phones.add_new("expo"), providers.phones.add_new("expo")
    providers.expo.receipts.withhold(late)
    tickets = [await send(providers, client, token) for token in (late, old)]
    ids = [ticket["id"] for ticket in tickets]
    today = await receipts(providers, client, *ids)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 24 * 3600 + 1)

    tomorrow = await receipts(providers, client, *ids)

    assert (today, tomorrow) == ({ids[1]: {"status": "ok"}}, {})


async def test_a_thousand_receipts_are_the_most(
    providers: ProviderStandIns, client: Client
) -> None:
    """1000 ids pass, 1001 do not."""
    ids = [str(uuid.uuid4()) for _ in range(1001)]

    passed = await post(providers, client, "getReceipts", {"ids": ids[:1000]})
    status, errors = await post(providers, client, "getReceipts", {"ids": ids})

    assert passed == (200, {})
    assert (status, errors[0]["code"]) == (400, "PUSH_TOO_MANY_RECEIPTS")


@pytest.mark.parametrize("body", [{}, {"ids": "x"}, {"ids": [1]}, ["x"]])
async def test_ids_of_another_form_are_refused(
    providers: ProviderStandIns, client: Client, body: Any
) -> None:
    """Anything but a list of strings is a validation error."""
    status, errors = await post(providers, client, "getReceipts", body)

    assert (status, errors[0]["code"]) == (400, "VALIDATION_ERROR")


async def test_the_receipts_address_obeys_the_rules_of_the_other(
    providers: ProviderStandIns, client: Client
) -> None:
    """It can be scripted, needs the access token where one is set, and other paths are unknown."""
    providers.expo.script.add(Fail(500, "INTERNAL_SERVER_ERROR"))
    scripted = await post(providers, client, "getReceipts", {"ids": []})
    unknown = await post(providers, client, "getTickets", {"ids": []})
    providers.expo.access_token = "secret"
    locked = await post(providers, client, "getReceipts", {"ids": []})

    codes = [(status, errors[0]["code"]) for status, errors in (scripted, unknown, locked)]
    assert codes == [(500, "INTERNAL_SERVER_ERROR"), (404, "NOT_FOUND"), (403, "UNAUTHORIZED")]
