"""`gtr-jobs sms test` and `gtr-jobs email test`: one message now, and the provider's answer in plain words."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal, assert_never

import typer

from gtr_jobs.cli.answers import end_as_worst
from gtr_jobs.cli.listing import say, show_json
from gtr_jobs.cli.options import AsJson
from gtr_jobs.cli.suppress import read_address
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
from gtr_jobs.ops.names import check_reason
from gtr_jobs.settings import read_settings

sms = typer.Typer(no_args_is_help=True, help="Try the way of a text.")
email = typer.Typer(no_args_is_help=True, help="Try the way of an e-mail.")

_Locale = Annotated[str, typer.Option(help="In this language.")]
_Reason = Annotated[str, typer.Option(help="Why; kept in the audit, with who and when.")]


@sms.callback()
def _sms() -> None:
    """Try the way of a text."""


@email.callback()
def _email() -> None:
    """Try the way of an e-mail."""


@sms.command("test")
def try_sms(
    number: Annotated[
        str, typer.Argument(help="Whose; - reads it from standard input.", show_default=False)
    ],
    locale: _Locale = "en",
    reason: _Reason = "a test",
    json: AsJson = False,
) -> None:
    """Send one text now by the configured provider, and say what it answers; it costs what a text costs.

    Exit 0 when it was taken, 1 when it was refused. Needs GTR_ADMIN_DATABASE_URL, for the audit.
    """
    _send("sms", number, locale, reason, json=json)


@email.command("test")
def try_email(
    address: Annotated[
        str, typer.Argument(help="Whose; - reads it from standard input.", show_default=False)
    ],
    locale: _Locale = "en",
    reason: _Reason = "a test",
    json: AsJson = False,
) -> None:
    """Send one e-mail now by the configured mail server, and say what it answers.

    Exit 0 when it was taken, 1 when it was refused. Needs GTR_ADMIN_DATABASE_URL, for the audit.
    """
    _send("email", address, locale, reason, json=json)


def _send(
    channel: Literal["sms", "email"], given: str, locale: str, reason: str, *, json: bool
) -> None:
    address, why = read_address(channel, given), check_reason(reason)
    # Providers and what they stand on are most of what there is to load.
    from gtr_jobs.app.message_test import send_test_message  # noqa: PLC0415

    provider, outcome = asyncio.run(
        send_test_message(read_settings(), channel, address, locale, why)
    )
    meaning = say(_explain(outcome))
    if json:
        show_json(
            {
                "channel": channel,
                "provider": provider,
                "outcome": outcome.name,
                "code": outcome_code(outcome),
                "provider_id": outcome.provider_id if isinstance(outcome, Accepted) else None,
                "meaning": meaning,
            }
        )
    else:
        print(f"{say(provider)}: {meaning}")
    end_as_worst([outcome])


def _explain(outcome: Outcome) -> str:
    match outcome:
        case Accepted(provider_id=provider_id):
            text = f"accepted as {provider_id}; whether it arrives is told later"
        case Rejected(code=code, detail=detail):
            why = detail or "look the code up in the provider's documentation"
            text = f"refused ({code}): {why}"
        case DeadTarget(code=code, mark=mark):
            text = f"refused ({code}): nothing can be sent there ({mark or 'gone'})"
        case Throttled(code=code, retry_after=seconds):
            text = f"not taken now ({code}): the provider asks for a pause of {seconds:.0f} s"
        case Retry(code=code):
            text = f"not taken now ({code}): try again in a minute"
        case Misconfigured(code=code, detail=detail):
            text = f"refused ({code}): a setting is wrong: {detail or 'check the keys'}"
        case Ambiguous(code=code):
            text = f"no answer ({code}): it may have been taken; look there"
        case Skipped(reason=reason):
            text = f"not sent: {reason}"
        case Expired():
            text = "not sent: too old"
        case _:
            assert_never(outcome)
    return text
