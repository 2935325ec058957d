"""pyfcm, which is not ours, works with the stand-in for Google's OAuth, and knows what it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from pyfcm import errors as raised
from support.fcm_faults import ACCOUNT_FAULTS, UNTIMELY, set_googles_clock_back
from support.pyfcm_sender import OpenPyfcm

from gtr_jobs.dev.standins import ProviderStandIns

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_new_access_token_is_fetched_when_the_old_one_ends(
    providers: ProviderStandIns, open_pyfcm: OpenPyfcm
) -> None:
    """ACCESS_TOKEN_EXPIRED is what the client looks for before it asks Google again."""
    fcm = open_pyfcm()
    token = providers.phones.add_new("fcm")

    await fcm.notify(fcm_token=token, notification_body="1")
    providers.oauth.expire_tokens()
    await fcm.notify(fcm_token=token, notification_body="2")

    bodies = [entry.payload["notification"]["body"] for entry in providers.ledger.entries()]
    assert bodies == ["1", "2"]
    assert (providers.oauth.answered, providers.fcm.answered) == (
        {"200": 2},
        {"200": 2, "401": 1},
    )


async def test_an_access_token_that_google_never_gave_is_refused(
    providers: ProviderStandIns, open_pyfcm: OpenPyfcm
) -> None:
    """The client's word for 401 is an authentication error."""
    stranger = SimpleNamespace(
        token="ya29.invented", project_id="gtr-standin", refresh=lambda _: None
    )

    with pytest.raises(raised.AuthenticationError):
        await open_pyfcm(credentials=stranger).notify(
            fcm_token=providers.phones.add_new("fcm"), notification_body="x"
        )

    assert providers.fcm.answered == {"401": 1}


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("another key", "invalid_grant: Invalid JWT Signature."),
        ("deleted key", "invalid_grant: Invalid JWT Signature."),
        ("nobody", "invalid_grant: Invalid grant: account not found"),
        ("late clock", f"invalid_grant: {UNTIMELY}"),
    ],
)
async def test_an_account_that_google_refuses_gets_no_token(
    providers: ProviderStandIns,
    account: Mapping[str, Any],
    open_pyfcm: OpenPyfcm,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    words: str,
) -> None:
    """The error has Google's words; FCM is not asked."""
    if fault == "late clock":
        set_googles_clock_back(monkeypatch, timedelta(hours=2))
        used: Mapping[str, Any] = account
    else:
        used = ACCOUNT_FAULTS[fault](account, providers)

    with pytest.raises(raised.InvalidDataError) as caught:
        await open_pyfcm(used).notify(
            fcm_token=providers.phones.add_new("fcm"), notification_body="x"
        )

    assert words in str(caught.value)
    assert providers.fcm.answered == {}


@pytest.mark.parametrize(
    ("fault", "error", "status"),
    [
        ("another project", raised.FCMSenderIdMismatchError, "403"),
        ("no project", raised.FCMNotRegisteredError, "404"),
    ],
)
async def test_a_wrong_project_is_taken_for_a_wrong_token(
    providers: ProviderStandIns,
    account: Mapping[str, Any],
    open_pyfcm: OpenPyfcm,
    fault: str,
    error: type[Exception],
    status: str,
) -> None:
    """The client's own fault: it reads no error code, and takes every 403 and 404 for the token's."""
    used = ACCOUNT_FAULTS[fault](account, providers)

    with pytest.raises(error):
        await open_pyfcm(used).notify(
            fcm_token=providers.phones.add_new("fcm"), notification_body="x"
        )

    assert providers.fcm.answered == {status: 1}
