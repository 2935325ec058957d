"""firebase-admin, Google's own library for Node, works with the stand-in for Google's OAuth."""

from __future__ import annotations

from typing import Any

import pytest
from support.fcm_faults import ACCOUNT_FAULTS, UNTIMELY
from support.node_client import NodeClient, ThrownError

from gtr_jobs.dev.standins import ProviderStandIns

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("another key", "invalid_grant: Invalid JWT Signature."),
        ("nobody", "invalid_grant: Invalid grant: account not found"),
        ("late clock", f"invalid_grant: {UNTIMELY}"),
    ],
)
async def test_an_account_that_google_refuses_gets_no_token(
    providers: ProviderStandIns,
    admin: NodeClient,
    account: dict[str, Any],
    fault: str,
    words: str,
) -> None:
    """The credential is invalid, in Google's words; FCM is not asked. The key's id is never sent."""
    late = fault == "late clock"
    used = account if late else ACCOUNT_FAULTS[fault](account, providers)
    message = {"token": providers.phones.add_new("fcm"), "data": {"a": "b"}}

    with pytest.raises(ThrownError) as caught:
        await admin.ask(
            "send", account=used, message=message, clockBehind=2 * 3600 if late else None
        )

    fields = caught.value.fields
    assert (fields["code"], words in fields["message"]) == ("app/invalid-credential", True)
    assert providers.fcm.answered == {}


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [
        ("another project", "messaging/mismatched-credential", "403"),
        ("no project", "messaging/registration-token-not-registered", "404"),
    ],
)
async def test_a_wrong_project_has_the_code_of_a_wrong_token(
    providers: ProviderStandIns,
    admin: NodeClient,
    account: dict[str, Any],
    fault: str,
    code: str,
    status: str,
) -> None:
    """Without an FCM error code the library goes by Google's status."""
    used = ACCOUNT_FAULTS[fault](account, providers)
    message = {"token": providers.phones.add_new("fcm"), "data": {"a": "b"}}

    with pytest.raises(ThrownError) as caught:
        await admin.ask("send", account=used, message=message)

    assert caught.value.fields["code"] == code
    assert providers.fcm.answered == {status: 1}


async def test_an_access_token_that_has_ended_is_refused(
    providers: ProviderStandIns, admin: NodeClient, account: dict[str, Any]
) -> None:
    """The library keeps it for as long as Google said, and has one code for every 401."""
    message = {"token": providers.phones.add_new("fcm"), "data": {"a": "b"}}
    await admin.ask("send", account=account, message=message)
    providers.oauth.expire_tokens()

    with pytest.raises(ThrownError) as caught:
        await admin.ask("send", account=account, message=message)

    assert caught.value.fields["code"] == "messaging/third-party-auth-error"
    assert providers.fcm.answered == {"200": 1, "401": 1}
