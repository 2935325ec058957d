"""async-firebase, which is not ours, works with the stand-in for Google's OAuth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from async_firebase import Message
from async_firebase import errors as raised
from async_firebase.messages import Notification
from support.fcm_faults import ACCOUNT_FAULTS, set_googles_clock_back

from gtr_jobs.dev.standins import ProviderStandIns

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    # Most devices still have a token, and FCM goes on taking it.
    pytest.mark.filterwarnings(r"ignore:Message\.token is deprecated:DeprecationWarning"),
]

Open = Callable[..., Any]
GREETING = Notification(title="Mia", body="Hello")


def read(response: Any) -> tuple[type[Exception], str, str]:
    """Give the client's own error: its type, its code and the words of FCM."""
    error = response.exception
    assert (response.success, response.message_id) == (False, None)
    return type(error), error.code, str(error)


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (
            "another project",
            raised.PermissionDeniedError,
            "Permission 'cloudmessaging.messages.create' denied",
        ),
        ("no project", raised.NotFoundError, "Requested entity was not found."),
    ],
)
async def test_an_account_of_another_project_may_not_send(
    providers: ProviderStandIns,
    account: Mapping[str, Any],
    open_async_firebase: Open,
    fault: str,
    error: type[Exception],
    words: str,
) -> None:
    """The account is good and the project is not its own, or none."""
    used = ACCOUNT_FAULTS[fault](account, providers)
    message = Message(token=providers.phones.add_new("fcm"), notification=GREETING)
    async with open_async_firebase(used) as fcm:
        response = await fcm.send(message)

    found, _, said = read(response)
    assert (found, words in said) == (error, True)


@pytest.mark.parametrize("fault", ["another key", "deleted key", "nobody", "late clock"])
async def test_an_account_that_google_refuses_gets_no_token(
    providers: ProviderStandIns,
    account: Mapping[str, Any],
    open_async_firebase: Open,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
) -> None:
    """The client's own fault: it looks for a token in a refusal and stumbles. FCM is not asked."""
    if fault == "late clock":
        set_googles_clock_back(monkeypatch, timedelta(hours=2))
        used: Mapping[str, Any] = account
    else:
        used = ACCOUNT_FAULTS[fault](account, providers)
    message = Message(token=providers.phones.add_new("fcm"), notification=GREETING)
    async with open_async_firebase(used) as fcm:
        with pytest.raises(KeyError, match="expires_in"):
            await fcm.send(message)
        [response] = (await fcm.send_each([message])).responses

    assert read(response) == (raised.AsyncFirebaseError, "UNKNOWN", "'expires_in'")
    assert (providers.oauth.answered, providers.fcm.answered) == ({"400": 2}, {})


async def test_an_access_token_that_has_ended_or_is_for_something_else_is_refused(
    providers: ProviderStandIns, open_async_firebase: Open
) -> None:
    """401 is unauthenticated, a scope without messaging is no permission."""
    message = Message(token=providers.phones.add_new("fcm"), notification=GREETING)
    async with open_async_firebase() as fcm:
        sent = await fcm.send(message)
        providers.oauth.expire_tokens()
        ended = await fcm.send(message)
    async with open_async_firebase(
        scopes=["https://www.googleapis.com/auth/userinfo.email"]
    ) as fcm:
        strange = await fcm.send(message)

    assert sent.success
    assert read(ended)[:2] == (raised.UnauthenticatedError, "UNAUTHENTICATED")
    assert read(strange) == (
        raised.PermissionDeniedError,
        "PERMISSION_DENIED",
        "Request had insufficient authentication scopes.",
    )
