"""APNs: what goes over the wire, what happens to its tokens and connections, whom it blames."""

from __future__ import annotations

import asyncio

import jwt
import pytest
from support.answering_server import AnsweringServer
from support.answers import Action, Answer, SeenRequest
from support.conformance_apns import apns_error
from support.provider_benches import accept, open_bench
from support.provider_keys import KEY_ID, TEAM_ID, TOPIC, apple_key, to_public_pem
from support.pushes import NOW, make_message, make_push, make_token

from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.domain.outcome import DeadTarget, Held, Misconfigured, Rejected
from gtr_jobs.domain.push import Push, Target
from gtr_jobs.providers.apns import ApnsAccount

EXPIRED = apns_error(403, "ExpiredProviderToken")
BAD_TOKEN = apns_error(400, "BadDeviceToken")
OTHER_TOPIC = apns_error(400, "DeviceTokenNotForTopic")
OTHER_HOST = "the tokens belong to Apple's other host; see GTR_APNS_ENVIRONMENT"
OTHER_APP = "the tokens belong to another app; see GTR_APNS_TOPIC"


async def test_a_push_goes_out_as_apple_wants_it(answering_server: AnsweringServer) -> None:
    """Path, headers, signature and body are those of Apple's documentation."""
    push = make_push("apns")
    async with open_bench("apns", answering_server) as bench:
        await bench.provider.send([push])
        (request,) = bench.requests
    headers = dict(request.headers)
    scheme, _, token = headers.pop("authorization").partition(" ")
    assert (request.method, request.path) == ("POST", f"/3/device/{push.target.token}")
    assert headers == {
        "apns-id": str(push.push_id),
        "apns-topic": TOPIC,
        "apns-push-type": "alert",
        "apns-priority": "10",
        "apns-expiration": str(int(push.message.expires_at.timestamp())),
        "apns-collapse-id": "message-7",
        "content-type": "application/json",
        "content-length": str(len(request.body)),
        "user-agent": headers["user-agent"],
    }
    assert scheme == "bearer"
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "kid": KEY_ID, "typ": "JWT"}
    claims = jwt.decode(token, to_public_pem(apple_key()), algorithms=["ES256"])
    assert set(claims) == {"iss", "iat"}
    assert claims["iss"] == TEAM_ID
    assert request.json() == {
        "aps": {
            "alert": {"title": "Rin Tanaka", "body": "Is the R34 still for sale?"},
            "badge": 3,
            "sound": "default",
            "thread-id": "conversation-42",
        },
        "url": "gtr-marketplace://messages/42",
        "kind": "new_message",
    }


async def test_a_calm_push_saves_the_battery(answering_server: AnsweringServer) -> None:
    """Normal urgency is priority 5."""
    push = make_push("apns", 0, make_message(urgency="normal"))
    async with open_bench("apns", answering_server) as bench:
        await bench.provider.send([push])
        assert bench.requests[0].headers["apns-priority"] == "5"


async def test_all_connections_share_one_token(answering_server: AnsweringServer) -> None:
    """However many there are, Apple sees the same signature."""
    async with open_bench("apns", answering_server, streams=2, connections=4) as bench:
        await bench.send(40)
        assert {type(request.connection) for request in bench.requests} == {int}
        assert len({request.connection for request in bench.requests}) > 1
        assert len({request.headers["authorization"] for request in bench.requests}) == 1


async def test_the_first_push_of_a_connection_goes_alone(
    answering_server: AnsweringServer,
) -> None:
    """Apple allows one stream until it has seen a valid token."""
    first = asyncio.Event()
    async with open_bench("apns", answering_server) as bench:
        bench.answer(Answer(200, after=first))
        sending = asyncio.create_task(bench.send(50))
        await answering_server.saw(1)
        assert len(bench.requests) == 1
        first.set()
        await sending
        assert answering_server.connections == 1


async def test_an_expired_token_is_signed_anew_once(answering_server: AnsweringServer) -> None:
    """All that were refused go out again with one new signature."""
    refused: set[str] = set()

    def decide(request: SeenRequest) -> Action:
        if not refused or request.headers["authorization"] in refused:
            refused.add(request.headers["authorization"])
            return EXPIRED
        return accept(request)

    async with open_bench("apns", answering_server) as bench:
        bench.answer_with(decide)
        outcomes = await bench.send(30)
        assert {outcome.name for outcome in outcomes} == {"accepted"}
        assert len({request.headers["authorization"] for request in bench.requests}) == 2


async def test_a_token_is_not_signed_anew_again_and_again(
    answering_server: AnsweringServer,
) -> None:
    """Where a new signature is refused as well, Apple is not given a third."""
    async with open_bench("apns", answering_server) as bench:
        bench.always(EXPIRED)
        assert set(await bench.send(5)) == {
            Misconfigured("ExpiredProviderToken", "this machine's clock may be wrong")
        }
        for _ in range(3):
            assert {type(outcome) for outcome in await bench.send(5)} == {Held}
        assert len({request.headers["authorization"] for request in bench.requests}) == 2


async def test_too_many_signatures_stop_the_signing(answering_server: AnsweringServer) -> None:
    """After Apple has counted too many, even an expired one is not replaced for a while."""
    async with open_bench("apns", answering_server) as bench:
        bench.always(apns_error(429, "TooManyProviderTokenUpdates"))
        await bench.send()
        bench.always(EXPIRED)
        await bench.send()
        assert len({request.headers["authorization"] for request in bench.requests}) == 1


@pytest.mark.parametrize("reason", ["IdleTimeout", "Shutdown", "UnrelatedKeyIdInToken"])
async def test_a_connection_that_is_done_is_left(
    answering_server: AnsweringServer, reason: str
) -> None:
    """What Apple says of the connection sends the next push over another."""
    status = {"IdleTimeout": 400, "Shutdown": 503, "UnrelatedKeyIdInToken": 403}[reason]
    async with open_bench("apns", answering_server) as bench:
        bench.answer(apns_error(status, reason))
        await bench.send()
        await bench.send()
        used = [request.connection for request in bench.requests]
    assert used[:2] == [1, 2]


async def test_an_unrelated_key_gets_another_connection_and_no_more(
    answering_server: AnsweringServer,
) -> None:
    """One new connection; where that is refused as well, an operator has to act."""
    async with open_bench("apns", answering_server) as bench:
        bench.always(apns_error(403, "UnrelatedKeyIdInToken"))
        (outcome,) = await bench.send()
        assert isinstance(outcome, Misconfigured)
        assert [request.connection for request in bench.requests] == [1, 2]


async def test_a_bad_token_of_a_certain_environment_is_dead(
    answering_server: AnsweringServer,
) -> None:
    """Where all tokens are known to be of this host, a bad one is simply bad."""
    async with open_bench("apns", answering_server, environment_is_certain=True) as bench:
        bench.always(BAD_TOKEN)
        assert await bench.send() == [DeadTarget("BadDeviceToken")]


async def test_a_bad_token_of_an_uncertain_environment_stays(
    answering_server: AnsweringServer,
) -> None:
    """It may be good on Apple's other host, even where others are fine here."""
    bad = make_token("apns", 1)
    async with open_bench("apns", answering_server) as bench:
        bench.answer_with(lambda r: BAD_TOKEN if r.path.endswith(bad) else accept(r))
        outcomes = await bench.send(4)
    assert [o.name for o in outcomes] == ["accepted", "rejected", "accepted", "accepted"]


@pytest.mark.parametrize("certain", [False, True])
async def test_a_wrong_host_kills_no_device(
    answering_server: AnsweringServer, certain: bool
) -> None:
    """When all tokens are bad, the environment is wrong."""
    async with open_bench("apns", answering_server, environment_is_certain=certain) as bench:
        bench.always(BAD_TOKEN)
        assert set(await bench.send(20)) == {Misconfigured("BadDeviceToken", OTHER_HOST)}


async def test_another_apps_token_is_given_up_where_others_are_fine(
    answering_server: AnsweringServer,
) -> None:
    """A build with another bundle id registered it; alone, it might be our topic."""
    foreign = make_token("apns", 1)
    async with open_bench("apns", answering_server) as bench:
        bench.answer_with(lambda r: OTHER_TOPIC if r.path.endswith(foreign) else accept(r))
        alone = await bench.provider.send([make_push("apns", 1)])
        assert alone == [Misconfigured("DeviceTokenNotForTopic", OTHER_APP)]
        outcomes = await bench.send(4)
    assert outcomes[1] == DeadTarget("DeviceTokenNotForTopic")


async def test_a_token_that_is_a_path_goes_nowhere(answering_server: AnsweringServer) -> None:
    """Whatever is in the app's table, only a token gets into the address."""
    push = make_push("apns")
    target = Target(push.target.device_id, "../../v2/evil?x=1", "apns", NOW)
    async with open_bench("apns", answering_server) as bench:
        outcomes = await bench.provider.send([Push(push.push_id, push.message, target, 1)])
        assert outcomes == [Rejected("BadDeviceToken")]
        assert bench.requests == []


@pytest.mark.parametrize("collapse_id", ["two\nlines", "nul\x00"])
async def test_an_id_that_is_no_header_is_refused(
    answering_server: AnsweringServer, collapse_id: str
) -> None:
    """A line end in an id cannot add a header, and trying again would not mend it."""
    push = make_push("apns", 0, make_message(collapse_id=collapse_id))
    async with open_bench("apns", answering_server) as bench:
        (outcome,) = await bench.provider.send([push])
        assert isinstance(outcome, Rejected)
        assert outcome.code == "request_invalid"


async def test_check_signs_and_asks_nobody(answering_server: AnsweringServer) -> None:
    """There is nothing to ask Apple without sending."""
    async with open_bench("apns", answering_server) as bench:
        await bench.provider.check()
        assert answering_server.connections == 0


@pytest.mark.parametrize(
    ("change", "setting"),
    [
        ({"key_id": "short"}, "GTR_APNS_KEY_ID"),
        ({"team_id": "lowercase1"}, "GTR_APNS_TEAM_ID"),
        ({"topic": "two words"}, "GTR_APNS_TOPIC"),
        ({"topic": ""}, "GTR_APNS_TOPIC"),
    ],
)
def test_ids_that_cannot_be_right_are_named(change: dict[str, str], setting: str) -> None:
    """Before anything is sent, and without showing the value."""
    ids = {"key_id": KEY_ID, "team_id": TEAM_ID, "topic": TOPIC} | change
    with pytest.raises(ConfigurationError, match=setting) as raised:
        ApnsAccount(apple_key(), **ids)
    (value,) = change.values()
    assert not value or value not in str(raised.value)
