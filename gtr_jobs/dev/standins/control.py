"""Drives the stand-ins from another process: plain HTTP with JSON, on this machine only.

GET  /                   where the stand-ins are, and what they answered
GET  /ledger             what was accepted; ?after=N for newer ones, &wait=S to wait for one
POST /script             {"provider": "fcm", "answers": [...], "times": 1, "skip": 0, "token": ...}
POST /phones             {"token": ..., "app": "", "sandbox": null}
POST /phones/uninstall   {"token": ..., "at": seconds since 1970}
POST /receipts           {"token": ..., "error": "MessageRateExceeded"}
POST /reset              {}
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Awaitable, Callable
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from gtr_jobs.dev.standins.exchange import Answer, Request, respond_json
from gtr_jobs.dev.standins.ledger import Acceptance
from gtr_jobs.dev.standins.provider_standins import ProviderStandIns
from gtr_jobs.dev.standins.screen import show
from gtr_jobs.dev.standins.script import FOR_EVER
from gtr_jobs.dev.standins.script_json import read_answer
from gtr_jobs.dev.standins.server import HOST, StandInServer

PAGE = 1000
LONGEST_WAIT = 60.0


class Control:
    """The door for other processes, open as long as the context.

    Args:
        providers: What it drives.
    """

    def __init__(self, providers: ProviderStandIns) -> None:
        self._providers = providers
        self._server = StandInServer(self._answer)
        self._routes: dict[tuple[str, str], Callable[[Any], Any]] = {
            ("POST", "/script"): self._script,
            ("POST", "/phones"): self._add_phone,
            ("POST", "/phones/uninstall"): self._uninstall,
            ("POST", "/receipts"): self._script_receipt,
            ("POST", "/reset"): self._reset,
        }

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"http://{HOST}:{self._server.port}"

    async def start(self, port: int = 0) -> None:
        """Listen; on any free port by default."""
        await self._server.start(port)

    async def stop(self) -> None:
        """Close the door."""
        await self._server.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.stop()

    def _answer(self, request: Request) -> Answer | Awaitable[Answer]:
        if not self._is_addressed(request):
            return respond_json(403, {"error": "this door is for processes on this machine"})
        target = urlsplit(request.path)
        if (request.method, target.path) == ("GET", "/"):
            return respond_json(200, self._describe())
        if (request.method, target.path) == ("GET", "/ledger"):
            return self._read_ledger(parse_qs(target.query))
        act = self._routes.get((request.method, target.path))
        if act is None:
            return respond_json(404, {"error": "no such door"})
        try:
            act(json.loads(request.body))
        except (ValueError, KeyError, TypeError) as error:
            return respond_json(400, {"error": f"{type(error).__name__}: {error}"})
        return respond_json(200, {})

    def _is_addressed(self, request: Request) -> bool:
        """A page in a browser could be led here under another name; it cannot forge this header."""
        port = self._server.port
        if request.headers.get("host") not in {f"{HOST}:{port}", f"localhost:{port}"}:
            return False
        is_json = request.headers.get("content-type", "").startswith("application/json")
        return request.method == "GET" or is_json

    def _describe(self) -> dict[str, Any]:
        standins = self._providers.all
        return {
            "urls": {name: standin.url for name, standin in standins.items()},
            "answered": {name: dict(standin.answered) for name, standin in standins.items()},
            "ca_file": str(self._providers.ca_file),
            "accepted": self._providers.ledger.total,
            "phones": len(self._providers.phones),
        }

    async def _read_ledger(self, query: dict[str, list[str]]) -> Answer:
        try:
            after = int(query.get("after", ["0"])[0])
            wait = min(float(query.get("wait", ["0"])[0]), LONGEST_WAIT)
        except ValueError:
            return respond_json(400, {"error": "after and wait are numbers"})
        ledger = self._providers.ledger
        with contextlib.suppress(TimeoutError):
            await ledger.wait_for(after + 1, timeout=wait)
        page = ledger.entries(after=after)[:PAGE]
        entries = [_describe_entry(entry) for entry in page]
        return respond_json(200, {"total": ledger.total, "entries": entries})

    def _script(self, body: dict[str, Any]) -> None:
        standins = {str(name): standin for name, standin in self._providers.all.items()}
        script = standins[body["provider"]].script
        sequence = script.for_token(body["token"]) if body.get("token") else script
        times = body.get("times", 1)
        sequence.add(
            *[read_answer(each) for each in body["answers"]],
            times=FOR_EVER if times == "for_ever" else int(times),
            skip=int(body.get("skip", 0)),
        )

    def _add_phone(self, body: dict[str, Any]) -> None:
        sandbox = body.get("sandbox")
        self._providers.phones.add(
            str(body["token"]),
            app=str(body.get("app", "")),
            sandbox=None if sandbox is None else bool(sandbox),
        )

    def _uninstall(self, body: dict[str, Any]) -> None:
        at = body.get("at")
        self._providers.phones.uninstall(str(body["token"]), None if at is None else float(at))

    def _script_receipt(self, body: dict[str, Any]) -> None:
        self._providers.expo.receipts.script(str(body["token"]), str(body["error"]))

    def _reset(self, body: dict[str, Any]) -> None:
        del body
        self._providers.reset()


def _describe_entry(entry: Acceptance) -> dict[str, Any]:
    return {**dataclasses.asdict(entry), "shown": dataclasses.asdict(show(entry))}
