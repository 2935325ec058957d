"""What the pages for providers are put together from is looked over before anything is served."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest
from support.webhooks import LINK_SECRET, SECRET, TOKEN, make_settings

from gtr_jobs.app.webhooks import check_webhooks, unsubscribe_links
from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.settings import read_settings


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("GTR_PUBLIC_URL", "http://jobs.example.com"),
        ("GTR_PUBLIC_URL", "https://jobs.example.com?a=b"),
        ("GTR_PUBLIC_URL", "https://jobs.example.com:99999"),
        ("GTR_PUBLIC_URL", "https://user:password@jobs.example.com"),
        ("GTR_WEBHOOK_PORT", "65536"),
        ("GTR_WEBHOOK_RATE", "off"),
        ("GTR_WEBHOOK_NETWORKS", "example.com"),
        ("GTR_WEBHOOK_PROXIES", "10.0.0.1/8"),
        ("GTR_WEBHOOK_PROXY_HEADER", "X Forwarded For"),
        ("GTR_WEBHOOK_SECRET", "x" * 31),
        ("GTR_UNSUBSCRIBE_SECRET", "x" * 31),
        ("GTR_UNSUBSCRIBE_SECRET_OTHER", "x" * 31),
    ],
)
def test_a_value_that_its_setting_does_not_take(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, setting: str, value: str
) -> None:
    """Only the setting is named: what it holds may be a secret."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(setting, value)
    with pytest.raises(ConfigurationError, match=f"^{setting}: ") as refused:
        read_settings()

    assert value not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://jobs.example.com",
        "https://jobs.example.com:8443",
        "https://example.com/gtr",
        "https://[2001:db8::1]:8443",
    ],
)
def test_an_address_may_have_a_port_and_a_path(url: str) -> None:
    """A slash at its end changes nothing."""
    assert make_settings(public_url=f"{url}/").public_url == url


def test_a_header_is_not_believed_from_anybody_unless_it_is_named() -> None:
    """Loopback is trusted where a header is, and nobody where none is."""
    loopback = (ip_network("127.0.0.0/8"), ip_network("::1/128"))

    assert make_settings().trusted_proxies() == ()
    assert make_settings(webhook_proxy_header="x-real-ip").trusted_proxies() == loopback
    assert make_settings().allowed_networks() is None


def test_nothing_secret_shows_in_a_representation() -> None:
    """It ends in logs and tracebacks."""
    shown = repr(make_settings(twilio_auth_token_other="o" * 32))

    assert [one for one in (TOKEN, SECRET, LINK_SECRET, "o" * 32) if one in shown] == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"twilio_auth_token": None, "webhook_secret": None, "unsubscribe_secret": None},
            "no page for providers is turned on",
        ),
        ({"public_url": None}, "GTR_PUBLIC_URL is not set"),
        ({"public_url": None, "twilio_auth_token": None}, "GTR_PUBLIC_URL is not set"),
        ({"twilio_replies": True}, "GTR_PROJECT is not set, and GTR_TWILIO_REPLIES is on"),
    ],
)
def test_what_is_missing_is_named(change: dict[str, object], message: str) -> None:
    """Before anything is served."""
    with pytest.raises(ConfigurationError) as refused:
        check_webhooks(make_settings(**change))

    assert refused.value.message == message


def test_bounces_need_no_public_address() -> None:
    """Their signature is over the body."""
    check_webhooks(make_settings(public_url=None, twilio_auth_token=None, unsubscribe_secret=None))


def test_a_link_needs_an_address_to_begin_with() -> None:
    """And there is none without a secret."""
    assert unsubscribe_links(make_settings(unsubscribe_secret=None)) is None
    with pytest.raises(ConfigurationError, match="GTR_PUBLIC_URL is not set"):
        unsubscribe_links(make_settings(public_url=None))
