"""Puts the pages for providers together, from what settings name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.types import ASGIApp

from gtr_jobs.app.templates import templates_of
from gtr_jobs.db.connect import Database
from gtr_jobs.db.connections import ConnectionPool
from gtr_jobs.db.contact import Contact
from gtr_jobs.db.reports import Reports
from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.domain.keywords import Keyword
from gtr_jobs.domain.span import parse_rate
from gtr_jobs.domain.unsubscribe import UnsubscribeLinks
from gtr_jobs.http.webhooks.books import Books
from gtr_jobs.http.webhooks.books import Reports as OpenBooks
from gtr_jobs.http.webhooks.email import EmailReports
from gtr_jobs.http.webhooks.gate import Gate, GateRules
from gtr_jobs.http.webhooks.page import Page
from gtr_jobs.http.webhooks.sms import SmsReports
from gtr_jobs.http.webhooks.standard_signature import StandardSignature
from gtr_jobs.http.webhooks.threaded import ThreadedSite
from gtr_jobs.http.webhooks.twilio import Say, TwilioInbound, TwilioStatus
from gtr_jobs.http.webhooks.twilio_signature import TwilioSignature
from gtr_jobs.http.webhooks.unsubscribe import Unsubscribe
from gtr_jobs.observe.logs import Logger
from gtr_jobs.observe.metrics import Metrics
from gtr_jobs.settings import Settings

DEFAULT_PORT = 9465
# What is written takes milliseconds: more connections would only be taken from others.
POOL_SIZE = 2
# A worker stops after its work has ended: who asks then is answered quickly or comes again.
_GRACE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class WebhookTools:
    """What all pages share.

    Args:
        database: Where reports are written.
        contact: Is told what waits for an answer.
        log: Ids and codes only.
        metrics: Counts.
    """

    database: Database
    contact: Contact
    log: Logger
    metrics: Metrics


class Webhooks:
    """The pages that settings turn on.

    Args:
        settings: Tokens, secrets and who is let in.
        tools: What all pages share.

    Raises:
        ConfigurationError: None is turned on, or one lacks a setting.
    """

    def __init__(self, settings: Settings, tools: WebhookTools) -> None:
        check_webhooks(settings)
        self._settings = settings
        self._tools = tools
        self._say = _make_say(settings)

    @asynccontextmanager
    async def open_site(self) -> AsyncIterator[ASGIApp]:
        """Make what is served, with connections of its own on the running loop.

        They are made when they are wanted: while the database is away, reports are told to come again.
        """
        pool = ConnectionPool(
            self._tools.database, POOL_SIZE, is_prepared=False, contact=self._tools.contact
        )
        try:
            yield self.make_site(Reports(pool))
        finally:
            await pool.close()

    def make_site(self, reports: OpenBooks) -> ASGIApp:
        """Make what is served over books that are open."""
        settings, log, metrics = self._settings, self._tools.log, self._tools.metrics
        books = Books(reports, parse_rate(settings.webhook_rate), log, metrics)
        rules = GateRules(
            networks=settings.allowed_networks(),
            proxies=settings.trusted_proxies(),
            proxy_header=settings.webhook_proxy_header,
        )
        return Gate(_make_pages(settings, books, self._say), rules, log, metrics)


def open_webhooks(settings: Settings, tools: WebhookTools) -> ThreadedSite:
    """Make the pages that a worker serves beside its work.

    Raises:
        ConfigurationError: None is turned on, or one lacks a setting.
    """
    return ThreadedSite(
        Webhooks(settings, tools).open_site,
        settings.webhook_host,
        settings.webhook_port or 0,
        min(settings.shutdown_grace_seconds, _GRACE_SECONDS),
    )


def check_webhooks(settings: Settings) -> None:
    """See that there is something to serve, and all that it takes.

    Raises:
        ConfigurationError: There is not.
    """
    kinds = (settings.twilio_tokens(), settings.webhook_secrets(), settings.unsubscribe_secrets())
    if not any(kinds):
        raise ConfigurationError(
            "no page for providers is turned on",
            "set GTR_TWILIO_AUTH_TOKEN, GTR_WEBHOOK_SECRET or GTR_UNSUBSCRIBE_SECRET",
        )
    if settings.public_url is None and (settings.twilio_tokens() or settings.unsubscribe_secrets()):
        raise ConfigurationError(
            "GTR_PUBLIC_URL is not set",
            "give it the address that Twilio and people use, as in https://jobs.example.com",
        )
    if settings.twilio_replies and settings.project is None:
        raise ConfigurationError(
            "GTR_PROJECT is not set, and GTR_TWILIO_REPLIES is on", "answers say who writes"
        )


def unsubscribe_links(settings: Settings) -> UnsubscribeLinks | None:
    """Make what makes links to unsubscribe; None where none can be made.

    Raises:
        ConfigurationError: There is a secret, and no address for links to begin with.
    """
    secrets = settings.unsubscribe_secrets()
    if not secrets:
        return None
    if settings.public_url is None:
        raise ConfigurationError(
            "GTR_PUBLIC_URL is not set, and GTR_UNSUBSCRIBE_SECRET is",
            "give it the address that links begin with, as in https://jobs.example.com",
        )
    return UnsubscribeLinks(settings.public_url, secrets)


def _make_pages(settings: Settings, books: Books, say: Say) -> list[Page]:
    pages: list[Page] = []
    if settings.twilio_tokens() and settings.public_url is not None:
        signature = TwilioSignature(settings.public_url, settings.twilio_tokens())
        pages += [TwilioStatus(signature, books), TwilioInbound(signature, books, say)]
    if settings.webhook_secrets():
        standard = StandardSignature(settings.webhook_secrets())
        pages += [EmailReports(standard, books), SmsReports(standard, books)]
    links = unsubscribe_links(settings)
    if links is not None:
        pages.append(Unsubscribe(links, books))
    return pages


def _make_say(settings: Settings) -> Say:
    """Make what answers a word; nothing is said where Twilio does so itself."""
    if not settings.twilio_replies:
        return lambda _: None
    data = {"project": settings.project}
    templates = templates_of(settings)
    words: dict[Keyword, str] = {
        "stop": templates.render_text("sms", "reply_stop", None, data).text,
        "start": templates.render_text("sms", "reply_start", None, data).text,
        "help": templates.render_text("sms", "reply_help", None, data).text,
    }
    return words.__getitem__
