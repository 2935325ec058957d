"""People of the app at their real client: @supabase/supabase-js, in a process of Node's, against the API of a test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from support.lite import Lite
from support.node_client import NodeClient, run_node_client

_PASSWORD = "correct-horse-battery-staple"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API answered, as supabase-js hands it to its caller.

    Args:
        status: The HTTP status.
        data: What was asked for.
        code: Of an error: PostgREST's, Postgres', or PT and the status.
        name: Of an error of ours, what stands under `details`.
        message: Of an error, a sentence.
        hint: Of an error, what to do.
    """

    status: int
    data: Any = None
    code: str | None = None
    name: str | None = None
    message: str | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody's client.

    Args:
        node: The process in which all clients of a test are.
        name: What it is called there.
    """

    node: NodeClient
    name: str

    async def rpc(
        self,
        name: str,
        given: Mapping[str, Any] | None = None,
        *,
        get: bool = False,
        headers: Mapping[str, str] | None = None,
        schema: str | None = None,
    ) -> Answer:
        """Call an RPC.

        Args:
            name: Which.
            given: Its arguments, by name.
            get: Call it as what only reads.
            headers: What to send beside what the client sends.
            schema: Where it is, if not in the client's usual one.
        """
        return await self._ask(
            "rpc", name=name, given=given or {}, get=get, headers=headers, schema=schema
        )

    async def select(self, table: str, columns: str = "*", *, schema: str | None = None) -> Answer:
        """Read a table."""
        return await self._ask("select", table=table, columns=columns, schema=schema)

    async def insert(self, table: str, row: Mapping[str, Any], schema: str | None = None) -> Answer:
        """Write a row and ask for nothing back."""
        return await self._ask("insert", table=table, row=row, schema=schema)

    async def upsert(self, table: str, row: Mapping[str, Any], on_conflict: str) -> Answer:
        """Write a row, or change the one that is there."""
        return await self._ask("upsert", table=table, row=row, onConflict=on_conflict)

    async def write(self, table: str, **row: Any) -> str:
        """Write a row that must be taken, read it back as the app does, and give its id."""
        answer = await self._ask("insertAndRead", table=table, row=row)
        assert answer.status == 201, answer
        row_id: str = answer.data["id"]
        return row_id

    async def sign_out(self) -> None:
        """End the session."""
        await self.node.ask("signOut", client=self.name)

    async def _ask(self, command: str, **given: Any) -> Answer:
        said = await self.node.ask(command, client=self.name, **given)
        error = said["error"] or {}
        return Answer(
            said["status"],
            said["data"],
            error.get("code"),
            error.get("details"),
            error.get("message"),
            error.get("hint"),
        )


@dataclass(frozen=True, slots=True)
class Member(Client):
    """Somebody who signed up, and what they do in the app, written as the app writes it.

    Args:
        user_id: Their account.
    """

    user_id: str

    async def register(self, token: str, platform: str = "ios", **more: Any) -> None:
        """Register a phone by the RPC."""
        given = {"p_device_token": token, "p_platform": platform, **more}
        answer = await self.rpc("register_device_token", given)
        assert answer.status == 200, answer

    async def upsert_device(self, token: str, platform: str = "android") -> Answer:
        """Register a phone as the app did before there was an RPC."""
        return await self.upsert(
            "user_device_tokens",
            {"user_id": self.user_id, "device_token": token, "platform": platform},
            "user_id,device_token",
        )

    async def begin_conversation(self, other: Member) -> str:
        """Begin a conversation; the smaller id comes first."""
        one, two = sorted((self.user_id, other.user_id))
        return await self.write("conversations", user1_id=one, user2_id=two)

    async def send(self, conversation: str, recipient: Member, content: str) -> str:
        """Write a chat message."""
        return await self.write(
            "messages",
            conversation_id=conversation,
            sender_id=self.user_id,
            recipient_id=recipient.user_id,
            content=content,
        )


@dataclass(frozen=True, slots=True)
class App:
    """The app's clients, and the server code beside it.

    Args:
        lite: The API.
        node: The process in which they all are.
    """

    lite: Lite
    node: NodeClient

    async def open(self, name: str, *, token: str | None = None, is_server: bool = False) -> Client:
        """Open a client.

        Args:
            name: What to call it.
            token: Who is asking; nobody, if there is none.
            is_server: It has the secret key.
        """
        key = self.lite.secret_key if is_server else self.lite.publishable_key
        await self.node.ask("open", client=name, key=key, token=token)
        return Client(self.node, name)

    async def sign_up(self, username: str, full_name: str) -> Member:
        """Open the app on a new person's phone and sign them up."""
        await self.open(username)
        user_id = await self.node.ask(
            "signUp",
            client=username,
            email=f"{username}@example.test",
            password=_PASSWORD,
            said={"username": username, "full_name": full_name},
        )
        return Member(self.node, username, str(UUID(user_id)))


@asynccontextmanager
async def run_app(lite: Lite) -> AsyncIterator[App]:
    """Run the process of the app's clients; skips the test where supabase-js is not installed."""
    environment = {"SUPABASE_URL": lite.url}
    async with run_node_client(
        "supabase_js", "@supabase/supabase-js", environment=environment
    ) as node:
        yield App(lite, node)
