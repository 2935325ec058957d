"""Drives the stand-ins from another process: plain HTTP with JSON, on this machine only.

GET  /                   where the stand-ins are, and what they answered
GET  /ledger             what was accepted; ?after=N for newer ones, &wait=S to wait for one
POST /script             {"provider": "fcm", "answers": [...], "times": 1, "skip": 0, "token": ...}; for
                         smtp also "at": connect, login, sender, recipient, data, body or content
POST /report             {"provider": "twilio", "id": ..., "status": "delivered", "error_code": null}
POST /phones             {"token": ..., "app": "", "sandbox": null}, or {"kind": "apns"}: makes a token
POST /phones/uninstall   {"token": ..., "at": seconds since 1970}
POST /receipts           {"token": ..., "error": "MessageRateExceeded"}, or {"token": ..., "withhold": true}
POST /bearer             {}: an access token for FCM, to try it by hand
POST /reset              {}
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Awaitable, Callable
from typing import Any, Self, get_args
from urllib.parse import parse_qs, urlsplit

from gtr_jobs.dev.standins.exchange import Answer, Request, respond_json
from gtr_jobs.dev.standins.ledger import Acceptance
from gtr_jobs.dev.standins.phones import PhoneKind
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
            ("POST", "/bearer"): self._issue_bearer,
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
        if request.method == "POST" and not _is_json(request):
            return respond_json(415, {"error": "send content-type: application/json"})
        target = urlsplit(request.path)
        if (request.method, target.path) == ("GET", "/"):
            return respond_json(200, self._describe())
        if (request.method, target.path) == ("GET", "/ledger"):
            return self._read_ledger(parse_qs(target.query))
        if (request.method, target.path) == ("POST", "/report"):
            return self._report(request)
        act = self._routes.get((request.method, target.path))
        return respond_json(404, {"error": "no such door"}) if act is None else _do(act, request)

    def _is_addressed(self, request: Request) -> bool:
        """A page in a browser could be led here under another name.

        It cannot forge this header, nor send JSON without asking first.
        """
        port = self._server.port
        return request.headers.get("host") in {f"{HOST}:{port}", f"localhost:{port}"}

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
        name = str(body["provider"])
        if name not in standins:
            raise ValueError(f"there is no provider {name!r}; there is {', '.join(standins)}")
        script = standins[name].script
        if name == "smtp" and "at" in body:
            script = self._providers.smtp.at[body["at"]]
        sequence = script.for_token(body["token"]) if body.get("token") else script
        times = body.get("times", 1)
        sequence.add(
            *[read_answer(each) for each in body["answers"]],
            times=FOR_EVER if times == "for_ever" else int(times),
            skip=int(body.get("skip", 0)),
        )

    async def _report(self, request: Request) -> Answer:
        """Move a message on, and report it to the address that its sender gave."""
        try:
            body = _read_object(request)
            name, message = str(body["id"]), str(body["status"])
            code = body.get("error_code")
            if body["provider"] == "plivo":
                status = await self._providers.plivo.report(
                    name, message, error_code=None if code is None else str(code)
                )
            else:
                status = await self._providers.twilio.report(
                    name, message, error_code=None if code is None else int(code)
                )
        except KeyError as error:
            return respond_json(400, {"error": f"{error.args[0]!r} is missing"})
        except (ValueError, TypeError) as error:
            return respond_json(400, {"error": str(error)})
        return respond_json(200, {"status": status})

    def _add_phone(self, body: dict[str, Any]) -> dict[str, Any]:
        app, sandbox = str(body.get("app", "")), body.get("sandbox")
        sandbox = None if sandbox is None else bool(sandbox)
        phones, kind = self._providers.phones, body.get("kind")
        if kind is None:
            return {"token": phones.add(str(body["token"]), app=app, sandbox=sandbox).token}
        if kind not in get_args(PhoneKind):
            raise ValueError(f"there is no kind {kind!r}; there is fcm, apns, expo")
        return {"token": phones.add_new(kind, app=app, sandbox=sandbox)}

    def _uninstall(self, body: dict[str, Any]) -> None:
        at = body.get("at")
        self._providers.phones.uninstall(str(body["token"]), None if at is None else float(at))

    def _script_receipt(self, body: dict[str, Any]) -> None:
        if body.get("withhold"):
            self._providers.expo.receipts.withhold(str(body["token"]))
        else:
            self._providers.expo.receipts.script(str(body["token"]), str(body["error"]))

    def _issue_bearer(self, body: dict[str, Any]) -> dict[str, Any]:
        del body
        return {"access_token": self._providers.issue_fcm_bearer()}

    def _reset(self, body: dict[str, Any]) -> None:
        del body
        self._providers.reset()


def _do(act: Callable[[Any], Any], request: Request) -> Answer:
    try:
        return respond_json(200, act(_read_object(request)) or {})
    except KeyError as error:
        return respond_json(400, {"error": f"{error.args[0]!r} is missing"})
    except (ValueError, TypeError) as error:
        return respond_json(400, {"error": str(error)})


def _is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").startswith("application/json")


def _read_object(request: Request) -> dict[str, Any]:
    value = json.loads(request.body or b"{}")
    if not isinstance(value, dict):
        raise TypeError("send a JSON object")
    return value


def _describe_entry(entry: Acceptance) -> dict[str, Any]:
    return {**dataclasses.asdict(entry), "shown": dataclasses.asdict(show(entry))}
