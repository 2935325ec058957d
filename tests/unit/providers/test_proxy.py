"""The setting that names a proxy."""

from __future__ import annotations

import pytest

from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.providers.exchange import HttpOptions
from gtr_jobs.providers.proxy import Proxy, read_proxy


@pytest.mark.parametrize(
    ("text", "proxy"),
    [
        ("http://proxy.example:3128", Proxy("http://proxy.example:3128")),
        (" http://proxy.example/ ", Proxy("http://proxy.example")),
        ("https://proxy.example", Proxy("https://proxy.example")),
        ("http://[::1]:3128", Proxy("http://[::1]:3128")),
        ("http://n:p@proxy.example:1", Proxy("http://proxy.example:1", "n", "p")),
        ("http://n%40x:p%3A%2F@h:1", Proxy("http://h:1", "n@x", "p:/")),
        ("http://n@h:1", Proxy("http://h:1", "n", "")),
    ],
)
def test_an_address_is_read_apart_from_its_login(text: str, proxy: Proxy) -> None:
    """So that the address can be shown and the login cannot."""
    assert read_proxy(text) == proxy


@pytest.mark.parametrize(
    "text",
    [
        *("proxy.example:3128", "socks5://h:1", "http://", "http://h:99999", "http://h:x", "junk"),
        *("http://n:hush@h:1/path", "http://h?hush", "http://:hush@h:1", "http://n:hush%0a@h:1"),
        "http://n:hush@h h:1",
    ],
)
def test_what_is_no_address_is_refused_without_showing_it(text: str) -> None:
    """The setting is named; a password in it stays in it."""
    with pytest.raises(ConfigurationError, match="GTR_PROXY") as raised:
        read_proxy(text)
    assert "hush" not in str(raised.value)


def test_a_login_is_not_shown() -> None:
    """Neither by itself nor in the options that hold it."""
    proxy = read_proxy("http://someone:hush@proxy.example:3128")
    for shown in (repr(proxy), str(proxy), repr(HttpOptions(proxy=proxy))):
        assert "hush" not in shown
        assert "someone" not in shown
