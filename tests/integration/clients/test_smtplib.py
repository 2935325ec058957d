"""smtplib, Python's own client, works with the stand-in for a mail server."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest

from gtr_jobs.dev.standins import AfterAccepting, Disconnect, Fail, ProviderStandIns

pytestmark = pytest.mark.asyncio(loop_scope="module")

FROM, TO = "noreply@example.com", "ada@example.org"


def _mail(text: str = "Dear Ada") -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = FROM, TO, "Gr\u00fc\u00dfe"
    mail["Message-ID"] = "<one@example.com>"
    mail.set_content(text)
    return mail


async def _with_client(
    providers: ProviderStandIns, act: Callable[[smtplib.SMTP], Any], *, by_tls: bool = False
) -> Any:
    """Connect, sign in and do something, in a thread of its own."""
    smtp = providers.smtp
    context = ssl.create_default_context(cafile=str(providers.ca_file))

    def run() -> Any:
        client: smtplib.SMTP
        if by_tls:
            client = smtplib.SMTP_SSL("localhost", smtp.tls_port, context=context, timeout=5)
        else:
            client = smtplib.SMTP("localhost", smtp.port, timeout=5)
        with client:
            if not by_tls:
                client.starttls(context=context)
            client.login(smtp.username, smtp.password)
            return act(client)

    return await asyncio.to_thread(run)


@pytest.mark.parametrize("by_tls", [False, True])
async def test_a_message_is_taken(providers: ProviderStandIns, by_tls: bool) -> None:
    """Over both of its ports, and shown as it was written."""
    await _with_client(providers, lambda client: client.send_message(_mail()), by_tls=by_tls)
    (taken,) = providers.ledger.entries()
    assert (taken.provider, taken.token, taken.message_id) == ("smtp", TO, "one@example.com")
    assert (taken.payload["subject"], taken.payload["text"]) == ("Gr\u00fc\u00dfe", "Dear Ada\n")
    assert taken.headers["from"] == FROM


async def test_a_wrong_password_is_refused(providers: ProviderStandIns) -> None:
    """With the code that says so."""
    providers.smtp.at["login"].add(Fail(535, "5.7.8"), times=3)
    with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
        await _with_client(providers, lambda client: client.noop())
    assert refused.value.smtp_code == 535


async def test_nobody_sends_who_is_not_signed_in(providers: ProviderStandIns) -> None:
    """As with any server that is not a relay for all."""

    def run() -> None:
        with smtplib.SMTP("localhost", providers.smtp.port, timeout=5) as client:
            client.sendmail(FROM, [TO], "Hi")

    with pytest.raises(smtplib.SMTPSenderRefused) as refused:
        await asyncio.to_thread(run)
    assert refused.value.smtp_code == 530


async def test_a_recipient_can_be_refused(providers: ProviderStandIns) -> None:
    """In the server's words, with its enhanced status code."""
    providers.smtp.at["recipient"].for_token(TO).add(Fail(550, "5.1.1"))
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        await _with_client(providers, lambda client: client.send_message(_mail()))
    assert refused.value.recipients == {TO: (550, b"5.1.1 No such user here")}
    assert providers.ledger.total == 0


async def test_content_can_be_refused(providers: ProviderStandIns) -> None:
    """After all of it has been said."""
    providers.smtp.script.add(Fail(554, "5.7.1"))
    with pytest.raises(smtplib.SMTPDataError) as refused:
        await _with_client(providers, lambda client: client.send_message(_mail()))
    assert (refused.value.smtp_code, providers.ledger.total) == (554, 0)


@pytest.mark.parametrize(("fault", "taken"), [(Disconnect(), 0), (AfterAccepting(Disconnect()), 1)])
async def test_a_connection_can_break_before_and_after_a_message_is_taken(
    providers: ProviderStandIns, fault: Disconnect | AfterAccepting, taken: int
) -> None:
    """To the client both are the same."""
    providers.smtp.script.add(fault)
    with pytest.raises((smtplib.SMTPServerDisconnected, OSError)):
        await _with_client(providers, lambda client: client.send_message(_mail()))
    assert providers.ledger.total == taken
