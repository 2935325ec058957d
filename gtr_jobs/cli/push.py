"""`gtr-jobs push test`: one push now, and the provider's answer in plain words."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, assert_never
from uuid import UUID

import typer

from gtr_jobs.cli.answers import end_as_worst
from gtr_jobs.cli.listing import say, show_json
from gtr_jobs.cli.options import AsJson
from gtr_jobs.domain.errors import UsageError
from gtr_jobs.domain.outcome import (
    Accepted,
    Ambiguous,
    DeadTarget,
    Expired,
    Misconfigured,
    Outcome,
    Rejected,
    Retry,
    Skipped,
    Throttled,
    outcome_code,
)
from gtr_jobs.domain.push import DEFAULT_APP
from gtr_jobs.domain.tokens import MAX_TOKEN_LENGTH
from gtr_jobs.settings import Settings, read_settings

if TYPE_CHECKING:
    from gtr_jobs.app.push_test import Tried

app = typer.Typer(no_args_is_help=True, help="Try the way to a phone.")

# Refusals that mean something else than they say.
_HINTS = {
    "BadDeviceToken": "the token is of Apple's other host (see GTR_APNS_ENVIRONMENT), or not whole",
    "INVALID_REGISTRATION_TOKEN": "the token is not whole, or not one of FCM's",
    "TicketError": "Expo gives no reason",
}


@app.callback()
def _push() -> None:
    """Try the way to a phone."""


@app.command("test")
def try_push(
    user: Annotated[
        str | None,
        typer.Option(help="A person: each of their living devices.", show_default=False),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            help="A token, of which its shape tells the provider; - reads it from standard input.",
            show_default=False,
        ),
    ] = None,
    of_app: Annotated[
        str | None,
        typer.Option(
            "--app",
            help="The app of --token, as settings call it; otherwise default.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Have it checked and not sent; only FCM can.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Send one push now through the configured providers, and say what they answer.

    Exit 0 when all took it, 1 when one refused. --user needs GTR_DATABASE_URL.
    """
    if (user is None) == (token is None):
        raise UsageError("say whom: --user or --token", "one of them, and only one")
    if of_app is not None and token is None:
        raise UsageError("--app: goes with --token", "of a person's devices the app is known")
    # Providers and what they stand on are most of what there is to load.
    from gtr_jobs.app.push_test import (  # noqa: PLC0415
        find_token,
        find_user,
        send_test,
    )

    settings = read_settings()
    if token is not None:
        audience = find_token(_read_token(token), _read_app(of_app, settings))
    else:
        audience = asyncio.run(find_user(settings, _read_user(user or "")))
    for warning in audience.warnings:
        print(f"gtr-jobs: {warning}", file=sys.stderr)
    tried = asyncio.run(send_test(settings, audience, dry_run=dry_run))
    if json:
        show_json([_record(one, dry_run=dry_run) for one in tried])
    else:
        for one in tried:
            print(_line(one, dry_run=dry_run))
    _end([one.outcome for one in tried])


def _read_token(given: str) -> str:
    return sys.stdin.read(2 * MAX_TOKEN_LENGTH).strip() if given == "-" else given.strip()


def _read_app(given: str | None, settings: Settings) -> str:
    app = (given or DEFAULT_APP).lower()
    known = [DEFAULT_APP, *sorted(settings.apps)]
    if app not in known:
        raise UsageError("--app: no such app", f"there is {', '.join(known)}")
    return app


def _read_user(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise UsageError("--user: not an id", "give the person's id, a UUID") from None


def _record(one: Tried, *, dry_run: bool) -> dict[str, object]:
    outcome: Outcome | None = one.outcome
    return {
        "app": one.app,
        "provider": one.kind,
        "device_id": one.device_id,
        "outcome": None if outcome is None else outcome.name,
        "code": "" if outcome is None else outcome_code(outcome),
        "provider_id": outcome.provider_id if isinstance(outcome, Accepted) else None,
        "dry_run": dry_run,
        "meaning": _explain(one, dry_run=dry_run),
    }


def _line(one: Tried, *, dry_run: bool) -> str:
    where = "" if one.app == DEFAULT_APP else f" of {say(one.app)}"
    where += "" if one.device_id is None else f", device {one.device_id}"
    return f"{say(one.kind or 'unknown')}{where}: {_explain(one, dry_run=dry_run)}"


def _explain(one: Tried, *, dry_run: bool) -> str:
    if one.outcome is None:
        return f"not sent: {say(one.problem)}"
    return say(explain_outcome(one.outcome, one.kind or "", dry_run=dry_run))


def explain_outcome(outcome: Outcome, provider: str, *, dry_run: bool = False) -> str:
    """Say in plain words what a provider's answer means, and what to do about it."""
    match outcome:
        case Accepted(provider_id=provider_id):
            text = _explain_accepted(provider_id, provider, dry_run=dry_run)
        case Rejected(code=code, detail=detail):
            why = detail or _HINTS.get(code, "look the code up in the provider's documentation")
            text = f"refused ({code}): {why}"
        case DeadTarget(code=code):
            text = f"refused ({code}): the device is gone; open the app on it, so that it registers again"
        case Throttled(code=code, retry_after=seconds):
            text = f"not taken now ({code}): the provider asks for a pause of {seconds:.0f} s"
        case Retry(code=code):
            text = f"not taken now ({code}): try again in a minute"
        case Misconfigured(code=code, detail=detail):
            text = f"refused ({code}): a setting is wrong: {detail or 'check the keys'}"
        case Ambiguous(code=code):
            text = f"no answer ({code}): it may have been taken; look at the phone"
        case Expired() | Skipped():
            text = "not sent: too old"
        case _:
            assert_never(outcome)
    return text


def _explain_accepted(provider_id: str, provider: str, *, dry_run: bool) -> str:
    if dry_run:
        return "would be accepted; nothing was sent"
    later = "; whether Apple or Google takes it shows in its receipt" if provider == "expo" else ""
    return f"accepted as {provider_id}{later}"


def _end(outcomes: Sequence[Outcome | None]) -> None:
    """Exit as the worst of the answers wants it."""
    asked = [outcome for outcome in outcomes if outcome is not None]
    if not asked:
        raise UsageError("nothing was sent", "see above")
    end_as_worst(asked)
