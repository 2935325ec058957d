"""Every RPC, called by the app's real client: right arguments, wrong ones, and people who may not."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener
from uuid import UUID, uuid4

import jwt
import pytest
import pytest_asyncio
from support.databases import DatabaseMaker, ProjectDatabase
from support.lite import EXPOSED, Lite, run_lite
from support.rpc_answers import (
    IDEMPOTENCY_MISMATCH,
    OTHER_INSTALLATION,
    TOO_MANY_OWNERS,
    WRONG_CALLS,
)
from support.rpc_calls import GONE, LISTING, RIGHT, Call, Caller
from support.supabase_js import Answer, App, Client, Member, run_app
from support.token_examples import TOKEN_EXAMPLES

from gtr_jobs.dev.standins.phones import make_apns_token, make_expo_token

pytestmark = pytest.mark.asyncio(loop_scope="module")

PRIVATE = ("gtr_jobs", "procrastinate", "auth")


# The API, the process of its clients and the people are the file's: no test here sees what another wrote.
@pytest.fixture(scope="module")
def shared_database(database_maker: DatabaseMaker) -> Iterator[ProjectDatabase]:
    """A database in which gtr_jobs is installed."""
    with database_maker.make("installed", "new") as made:
        yield made


@pytest.fixture(scope="module")
def lite(
    shared_database: ProjectDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lite]:
    """The API over it."""
    with run_lite(shared_database, tmp_path_factory.mktemp("lite")) as lite:
        yield lite


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(lite: Lite) -> AsyncIterator[App]:
    """The app's clients."""
    async with run_app(lite) as app:
        yield app


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def member(app: App) -> Member:
    """Somebody who is signed in."""
    return await app.sign_up("mia", "Mia Rossi")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def other(app: App) -> Member:
    """Somebody else who is."""
    return await app.sign_up("leo", "Leo Tanaka")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(app: App) -> Client:
    """Server code."""
    return await app.open("server", is_server=True)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clients(app: App, member: Member, server: Client) -> dict[Caller, Client]:
    """Whoever calls."""
    now = int(time.time())
    claims: dict[str, Any] = {"sub": member.user_id, "role": "authenticated", "exp": now + 3600}
    tokens: dict[Caller, str] = {
        "late": app.lite.sign({**claims, "exp": now - 60}),
        "forger": jwt.encode(claims, "another secret, as long as the right one is", "HS256"),
        "nobody": app.lite.sign({"role": "authenticated", "exp": now + 3600}),
        "gone": app.lite.sign({**claims, "sub": GONE}),
    }
    opened: dict[Caller, Client] = {
        name: await app.open(name, token=token) for name, token in tokens.items()
    }
    anybody = await app.open("anybody")
    return {"member": member, "server": server, "anybody": anybody, **opened}


@pytest.mark.parametrize("call", WRONG_CALLS, ids=str)
async def test_a_wrong_call_is_told_what_is_wrong(
    clients: dict[Caller, Client], call: Call
) -> None:
    """With the status, the code, the name, the sentence and the hint that are documented."""
    answer = await clients[call.caller].rpc(call.rpc, call.given, get=call.get)
    if answer.code == "PGRST202":
        # What somebody may have meant is PostgREST's own guess.
        answer = replace(answer, hint=None)
    assert answer == call.answer


@pytest.mark.parametrize("kind", ["fcm_token", "fcm_fid", "apns", "expo"])
async def test_a_device_of_each_kind_is_registered_and_taken_away(
    member: Member, kind: str
) -> None:
    """Registering again gives the same device; taking it away again says that there was none."""
    token = next(token for token, shape in TOKEN_EXAMPLES.values() if shape == kind)
    given = {"p_device_token": token, "p_platform": "android"}
    everything = {
        "p_installation_id": str(uuid4()),
        "p_locale": "pt-BR",
        "p_time_zone": "Europe/Lisbon",
        "p_app_version": "2.4.1",
    }

    first = await member.rpc("register_device_token", given)
    again = await member.rpc("register_device_token", given | everything)
    device_id = str(UUID(first.data["device_id"]))
    assert first == again == Answer(200, {"device_id": device_id, "kind": kind})
    of_app = await member.rpc("register_app_device", given | {"p_app": "dealer"})
    assert of_app == Answer(200, {"device_id": device_id, "kind": kind, "app": "dealer"})

    removed = [
        await member.rpc("unregister_device_token", {"p_device_token": token}) for _ in range(2)
    ]
    assert removed == [Answer(200, {"removed": True}), Answer(200, {"removed": False})]


async def test_a_known_device_is_not_taken_without_its_installation_id(
    member: Member, other: Member
) -> None:
    """409 to who does not give it; who does is the owner then."""
    token, installation = make_apns_token(), str(uuid4())
    await member.register(token, p_installation_id=installation)
    given = {"p_device_token": token, "p_platform": "ios"}
    assert await other.rpc("register_device_token", given) == OTHER_INSTALLATION
    stranger = given | {"p_installation_id": str(uuid4())}
    assert await other.rpc("register_device_token", stranger) == OTHER_INSTALLATION
    of_app = stranger | {"p_app": "dealer"}
    assert await other.rpc("register_app_device", of_app) == OTHER_INSTALLATION
    await other.register(token, p_installation_id=installation)


async def test_the_sixth_change_of_accounts_in_a_day_is_one_too_many(
    member: Member, other: Member
) -> None:
    """429; the device stays with who had it, who may go on registering it."""
    token = make_expo_token()
    for person in (member, other, member, other, member, other):
        await person.register(token)
    given = {"p_device_token": token, "p_platform": "ios"}
    assert await member.rpc("register_device_token", given) == TOO_MANY_OWNERS
    of_app = given | {"p_app": "dealer"}
    assert await member.rpc("register_app_device", of_app) == TOO_MANY_OWNERS
    await other.register(token)


async def test_a_row_that_the_app_writes_itself_is_taken_whatever_its_token(
    member: Member, shared_database: ProjectDatabase
) -> None:
    """What the RPC would refuse stands there, ignored and with the reason; another's row nobody writes."""
    answer = await member.upsert_device("ExponentPushToken[")
    assert answer == Answer(201)
    with shared_database.connect() as connection:
        reasons = connection.execute(
            "select k.silent_reason from gtr_jobs.devices as k"
            " join public.user_device_tokens as t on t.id = k.device_id"
            " where t.device_token = 'ExponentPushToken['"
        ).fetchall()
    assert reasons == [("token_format",)]

    thief = replace(member, user_id=GONE)
    assert await thief.upsert_device(make_expo_token()) == Answer(
        403,
        None,
        "42501",
        None,
        'new row violates row-level security policy for table "user_device_tokens"',
    )


@pytest.mark.parametrize("rpc", ["notify_user", "notify_users"])
async def test_a_key_answers_the_same_to_the_same_body_and_409_to_another(
    server: Client, member: Member, rpc: str
) -> None:
    """However often, and in whatever order the body is written."""
    person = {"p_user_id": member.user_id, "p_user_ids": [member.user_id]}
    argument = "p_user_id" if rpc == "notify_user" else "p_user_ids"
    given = RIGHT[rpc][1] | {argument: person[argument], "p_idempotency_key": "order-17"}
    first = await server.rpc(rpc, given)
    if rpc == "notify_user":
        assert first == Answer(200, {"notification_id": str(UUID(first.data["notification_id"]))})
    else:
        assert first == Answer(200, {"notified": 1, "unknown": 0})

    assert await server.rpc(rpc, dict(reversed(given.items()))) == first
    changed = given | {"p_data": {"listing_id": LISTING, "title": "Another"}}
    assert await server.rpc(rpc, changed) == IDEMPOTENCY_MISMATCH
    unkeyed = {name: value for name, value in given.items() if name != "p_idempotency_key"}
    assert (await server.rpc(rpc, unkeyed)).status == 200


async def test_a_body_that_is_no_json_does_not_come_so_far(lite: Lite) -> None:
    """The real client writes NaN as null; whoever writes it as it is gets 400."""
    _, given = RIGHT["notify_user"]
    request = Request(
        f"{lite.url}/rest/v1/rpc/notify_user",
        data=json.dumps({**given, "p_data": {"listing_id": float("nan")}}).encode(),
        headers={"apikey": lite.secret_key, "Content-Type": "application/json"},
    )
    with pytest.raises(HTTPError) as caught:
        build_opener(ProxyHandler({})).open(request)
    with caught.value as answer:
        assert (answer.status, json.load(answer)["code"]) == (400, "PGRST102")


@pytest.mark.parametrize("schema", PRIVATE)
async def test_a_private_schema_is_not_acceptable(
    member: Member, server: Client, schema: str
) -> None:
    """To read from, to write to or to call, for a person and for server code alike: 406."""
    refused = Answer(
        406,
        None,
        "PGRST106",
        None,
        f"Invalid schema: {schema}",
        "Only the following schemas are exposed: graphql_public, public",
    )
    for client in (member, server):
        answers = [
            await client.select("devices", schema=schema),
            await client.insert("procrastinate_jobs", {"task_name": "message"}, schema=schema),
            await client.rpc(
                "register_device_token", RIGHT["register_device_token"][1], schema=schema
            ),
            await client.rpc("my_deliveries", get=True, schema=schema),
        ]
        assert answers == [refused] * 4


async def test_a_project_that_exposes_the_private_schemas_gives_no_table_away(
    shared_database: ProjectDatabase, tmp_path: Path
) -> None:
    """Then it is the rights that refuse, not the list: which is how one sees that the 406 was the list's."""
    exposed = (*EXPOSED, "gtr_jobs", "procrastinate")
    with run_lite(shared_database, tmp_path, exposed=exposed) as lite:
        async with run_app(lite) as app:
            person = await app.sign_up("ana", "Ana Lima")
            server = await app.open("server", is_server=True)
            for client in (person, server):
                read = await client.select("devices", schema="gtr_jobs")
                written = await client.insert(
                    "procrastinate_jobs", {"task_name": "message"}, schema="procrastinate"
                )
                assert (read.status, read.code) == (403, "42501")
                assert (written.status, written.code) == (403, "42501")
