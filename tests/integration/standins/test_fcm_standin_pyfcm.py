"""Pyfcm, which is not ours, works with the stand-ins for FCM and for Google's OAuth."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pyfcm
import pyfcm.errors
import pytest
from requests.adapters import HTTPAdapter

from gtr_jobs.dev.standins import FOR_EVER, Fail, ProviderStandIns, show
from gtr_jobs.dev.standins.phones import make_fcm_token

TOKEN = make_fcm_token()


@pytest.fixture
async def providers() -> AsyncIterator[ProviderStandIns]:
    """The stand-ins, running."""
    async with ProviderStandIns() as running:
        yield running


class TrustingFcm(pyfcm.FCMNotification):  # type: ignore[misc]  # pyfcm has no types
    """pyfcm, pointed at the stand-in."""

    def __init__(self, providers: ProviderStandIns, folder: Path) -> None:
        environment = providers.write_credentials(folder)
        self.FCM_END_POINT_BASE = f"{providers.fcm.url}/v1/projects"
        super().__init__(
            service_account_file=environment["GTR_FCM_CREDENTIALS_FILE"],
            project_id="gtr-standin",
            adapter=HTTPAdapter(max_retries=0),
        )


@pytest.fixture
def fcm(
    providers: ProviderStandIns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> TrustingFcm:
    """A sender that is not ours; requests takes its authorities from the environment."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(providers.ca_file))
    return TrustingFcm(providers, tmp_path)


async def test_pyfcm_delivers(providers: ProviderStandIns, fcm: TrustingFcm) -> None:
    """What pyfcm builds and signs is accepted over HTTP/1.1, and shows on the phone."""
    answer = await asyncio.to_thread(
        fcm.notify,
        fcm_token=TOKEN,
        notification_title="Mia",
        notification_body="Hello",
        data_payload={"url": "app://1"},
        android_config={"ttl": "60s", "priority": "HIGH", "notification": {"tag": "c"}},
    )

    [entry] = providers.ledger.entries(token=TOKEN)
    shown = show(entry)
    assert answer == {"name": entry.message_id}
    assert (shown.title, shown.body, shown.url, shown.collapse_id) == (
        "Mia",
        "Hello",
        "app://1",
        "c",
    )


async def test_pyfcm_understands_the_refusals(
    providers: ProviderStandIns, fcm: TrustingFcm
) -> None:
    """Pyfcm raises its own error for a device that is gone, one of others, and a fault of FCM."""
    gone = providers.phones.add_new("fcm")
    providers.phones.uninstall(gone)
    foreign = providers.phones.add_new("fcm", app="another-project")
    unlucky = providers.phones.add_new("fcm")
    providers.fcm.script.for_token(unlucky).add(Fail(500, "INTERNAL"), times=FOR_EVER)

    for token, error in (
        (gone, pyfcm.errors.FCMNotRegisteredError),
        (foreign, pyfcm.errors.FCMSenderIdMismatchError),
        (unlucky, pyfcm.errors.FCMServerError),
    ):
        with pytest.raises(error):
            await asyncio.to_thread(fcm.notify, fcm_token=token, notification_body="x")


async def test_pyfcm_fetches_a_new_token_when_the_old_one_ends(
    providers: ProviderStandIns, fcm: TrustingFcm
) -> None:
    """ACCESS_TOKEN_EXPIRED is what pyfcm looks for before it asks Google again."""
    await asyncio.to_thread(fcm.notify, fcm_token=TOKEN, notification_body="1")
    providers.oauth.expire_tokens()

    await asyncio.to_thread(fcm.notify, fcm_token=TOKEN, notification_body="2")

    assert [show(entry).body for entry in providers.ledger.entries()] == ["1", "2"]
