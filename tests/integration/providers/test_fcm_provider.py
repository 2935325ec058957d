"""FCM: what goes over the wire, what happens to its tokens, and whom a refusal is blamed on."""

from __future__ import annotations

import asyncio

import pytest
from support.answering_server import AnsweringServer
from support.answers import Action, Answer, SeenRequest
from support.conformance_fcm import WRONG_PROJECT, fcm_error
from support.provider_benches import accept, issue_token, open_bench
from support.pushes import make_message, make_push, make_token

from gtr_jobs.domain.errors import ConfigurationError, TryAgainError
from gtr_jobs.domain.outcome import DeadTarget, Misconfigured, Rejected, Retry
from gtr_jobs.domain.push import Push

UNAUTHENTICATED = fcm_error(401, "UNAUTHENTICATED")
MISMATCH = fcm_error(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH")
INVALID = fcm_error(
    400,
    "INVALID_ARGUMENT",
    "INVALID_ARGUMENT",
    message="The registration token is not a valid FCM registration token",
)


async def test_a_push_goes_out_as_fcm_wants_it(answering_server: AnsweringServer) -> None:
    """Path, credentials and body are those of HTTP v1."""
    async with open_bench("fcm", answering_server) as bench:
        outcomes = await bench.send()
        (request,) = bench.requests
    assert [outcome.name for outcome in outcomes] == ["accepted"]
    assert (request.method, request.path) == ("POST", "/v1/projects/gtr-test/messages:send")
    assert request.headers["authorization"] == "Bearer token-1"
    assert request.headers["content-type"] == "application/json"
    assert request.json()["message"]["token"] == make_token("fcm")
    assert request.json()["validate_only"] is False


async def test_devices_of_one_message_get_the_same_but_for_the_token(
    answering_server: AnsweringServer,
) -> None:
    """A message that goes to many is the same for all of them, and each badge is its own."""
    message = make_message(body='a "quoted" body with the word token')
    pushes = [make_push("fcm", number, message) for number in range(3)]
    other = make_push("fcm", 3, message)
    pushes.append(Push(other.push_id, other.message, other.target, badge=9))
    async with open_bench("fcm", answering_server) as bench:
        await bench.provider.send(pushes)
        sent = {r.json()["message"].pop("token"): r.json()["message"] for r in bench.requests}
    assert set(sent) == {push.target.token for push in pushes}
    badges = [
        sent[push.target.token]["android"]["notification"].pop("notification_count")
        for push in pushes
    ]
    assert badges == [3, 3, 3, 9]
    assert {message["notification"]["body"] for message in sent.values()} == {message.body}


async def test_a_login_that_has_expired_is_renewed_once(answering_server: AnsweringServer) -> None:
    """All pushes that were refused go out again, with one new token and no second grant."""

    def decide(request: SeenRequest) -> Action:
        if request.headers["authorization"] == "Bearer token-1":
            return UNAUTHENTICATED
        return accept(request)

    async with open_bench("fcm", answering_server) as bench:
        bench.answer_with(decide)
        outcomes = await bench.send(50)
        assert {outcome.name for outcome in outcomes} == {"accepted"}
        assert len(bench.token_requests) == 2
        assert len(bench.requests) == 100


async def test_a_login_that_stays_refused_ends_there(answering_server: AnsweringServer) -> None:
    """One renewal, one more attempt, and an operator has to act."""
    async with open_bench("fcm", answering_server) as bench:
        bench.always(UNAUTHENTICATED)
        outcomes = await bench.send(20)
        assert {type(outcome) for outcome in outcomes} == {Misconfigured}
        assert len(bench.token_requests) == 2
        assert len(bench.requests) == 40


async def test_apples_credentials_are_not_ours_to_renew(answering_server: AnsweringServer) -> None:
    """THIRD_PARTY_AUTH_ERROR comes with a 401 as well, and a new token would not help."""
    async with open_bench("fcm", answering_server) as bench:
        bench.always(fcm_error(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"))
        await bench.send()
        assert len(bench.requests) == 1
        assert len(bench.token_requests) == 1


async def test_without_a_token_nothing_is_sent(answering_server: AnsweringServer) -> None:
    """A key that Google refuses means that every push waits for an operator."""
    async with open_bench("fcm", answering_server) as bench:
        bench.answer_with(accept, token=lambda _: Answer(400, {"error": "invalid_grant"}))
        refused = Misconfigured("invalid_grant", "GTR_FCM_CREDENTIALS_JSON is refused by Google")
        assert await bench.send(3) == [refused] * 3
        assert bench.requests == []
        assert bench.observed == []


async def test_a_renewal_that_fails_is_the_outcome(answering_server: AnsweringServer) -> None:
    """Where Google gives no second token, the push ends as that says."""
    async with open_bench("fcm", answering_server) as bench:
        bench.answer_with(
            lambda _: UNAUTHENTICATED,
            token=lambda number: issue_token() if number == 1 else Answer(503),
        )
        assert await bench.send() == [Retry("token_http_503")]


@pytest.mark.parametrize(
    ("refusal", "alone"),
    [
        (MISMATCH, Misconfigured("SENDER_ID_MISMATCH", WRONG_PROJECT)),
        (INVALID, Rejected("INVALID_REGISTRATION_TOKEN")),
    ],
    ids=["mismatch", "invalid"],
)
async def test_a_doubted_token_is_given_up_where_others_are_fine(
    answering_server: AnsweringServer, refusal: Answer, alone: Misconfigured | Rejected
) -> None:
    """Alone it may be our fault; among accepted ones it is the token's."""
    doubted = make_token("fcm", 1)

    def decide(request: SeenRequest) -> Action:
        is_doubted = request.json()["message"]["token"] == doubted
        return refusal if is_doubted else accept(request)

    async with open_bench("fcm", answering_server) as bench:
        bench.answer_with(decide)
        assert await bench.provider.send([make_push("fcm", 1)]) == [alone]
        outcomes = await bench.send(4)
        assert [outcome.name for outcome in outcomes] == [
            "accepted",
            "dead_target",
            "accepted",
            "accepted",
        ]
        assert outcomes[1] == DeadTarget(alone.code)
        assert bench.observed[-3] == ("fcm", "dead_target")


async def test_a_wrong_project_kills_no_device(answering_server: AnsweringServer) -> None:
    """When most are refused, the setting is wrong, whatever was accepted before."""
    async with open_bench("fcm", answering_server) as bench:
        await bench.send(5)
        bench.always(MISMATCH)
        outcomes = await bench.send(40)
    assert set(outcomes) == {Misconfigured("SENDER_ID_MISMATCH", WRONG_PROJECT)}


async def test_check_gets_a_token(answering_server: AnsweringServer) -> None:
    """A key that works says nothing."""
    async with open_bench("fcm", answering_server) as bench:
        await bench.provider.check()
        assert len(bench.token_requests) == 1


async def test_check_names_the_setting_of_a_refused_key(answering_server: AnsweringServer) -> None:
    """A deleted key is a configuration error with the setting's name."""
    async with open_bench("fcm", answering_server) as bench:
        bench.answer_with(accept, token=lambda _: Answer(400, {"error": "invalid_grant"}))
        with pytest.raises(ConfigurationError, match=r"GTR_FCM_CREDENTIALS_JSON.*invalid_grant"):
            await bench.provider.check()


async def test_check_asks_to_try_again_when_google_is_away(
    answering_server: AnsweringServer,
) -> None:
    """An outage is no mistake of the operator."""
    async with open_bench("fcm", answering_server) as bench:
        bench.answer_with(accept, token=lambda _: Answer(503))
        with pytest.raises(TryAgainError, match="token_http_503"):
            await bench.provider.check()


async def test_a_cancelled_call_leaves_the_provider_in_order(
    answering_server: AnsweringServer,
) -> None:
    """Cancelling send in the middle of it harms no later call."""
    held = asyncio.Event()
    async with open_bench("fcm", answering_server) as bench:
        bench.always(Answer(200, {"name": "n"}, after=held))
        sending = asyncio.create_task(bench.send(30))
        await answering_server.saw(31)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        bench.answer_with(accept)
        assert {outcome.name for outcome in await bench.send(30)} == {"accepted"}
