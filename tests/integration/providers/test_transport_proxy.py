"""Requests through a proxy: a tunnel from end to end, its login a secret, its refusals by name."""

from __future__ import annotations

import pytest
from support.answering_server import AnsweringServer
from support.connect_proxy import ConnectProxy, open_proxy
from support.provider_benches import open_bench

from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.domain.outcome import Misconfigured, Retry
from gtr_jobs.domain.tokens import TokenKind
from gtr_jobs.providers.exchange import Answered, HttpOptions, NotSent, Protocol, Result
from gtr_jobs.providers.proxy import Proxy, read_proxy
from gtr_jobs.providers.transport import HttpPool

PROTOCOLS: tuple[Protocol, ...] = ("http2", "http1", "negotiated")
KINDS: tuple[TokenKind, ...] = ("fcm", "apns", "expo")
REFUSED = Misconfigured(
    "proxy_login_refused", "the proxy refuses our name and password; see GTR_PROXY"
)


def address(proxy: ConnectProxy, login: str = "") -> Proxy:
    """Read a proxy's address as the setting has it."""
    return read_proxy(f"http://{login}127.0.0.1:{proxy.port}")


async def post_through(server: AnsweringServer, proxy: Proxy, protocol: Protocol) -> Result:
    """Send one request through a proxy."""
    options = HttpOptions(protocol, server.ca_file, deadline=2.0, connect_timeout=1.9, proxy=proxy)
    pool = HttpPool(options, {"authorization": "Bearer secret-of-the-provider"})
    try:
        return await pool.post(server.url + "/path", b"the body")
    finally:
        await pool.close()


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_request_goes_through_a_tunnel(
    answering_server: AnsweringServer, protocol: Protocol
) -> None:
    """The proxy is asked for the server by name, and sees nothing of what goes through."""
    async with open_proxy() as proxy:
        result = await post_through(answering_server, address(proxy), protocol)
        assert isinstance(result, Answered)
        assert proxy.targets == [f"CONNECT localhost:{answering_server.port}"]
        assert b"secret-of-the-provider" not in proxy.carried
        assert b"the body" not in proxy.carried
    (request,) = answering_server.requests
    assert request.body == b"the body"
    assert "proxy-authorization" not in request.headers


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_login_opens_the_tunnel(
    answering_server: AnsweringServer, protocol: Protocol
) -> None:
    """Signs that an address cannot hold are written in hexadecimal, as in any URL."""
    async with open_proxy(login="us@er:pa:ss/word") as proxy:
        login = "us%40er:pa%3Ass%2Fword@"
        result = await post_through(answering_server, address(proxy, login), protocol)
        assert isinstance(result, Answered)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("login", ["", "user:wrong@"])
async def test_a_wrong_login_has_a_name_of_its_own(
    answering_server: AnsweringServer, protocol: Protocol, login: str
) -> None:
    """It is neither the server's fault nor one that passes, and nothing was sent."""
    async with open_proxy(login="user:right") as proxy:
        result = await post_through(answering_server, address(proxy, login), protocol)
        assert result == NotSent("proxy_login_refused")
    assert answering_server.requests == []


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_proxy_that_makes_no_tunnel_has_sent_nothing(
    answering_server: AnsweringServer, protocol: Protocol
) -> None:
    """Forbidden, not able to, not there, without a name: none of them is in doubt."""
    for status in (403, 502, 503):
        async with open_proxy(refuses_with=status) as proxy:
            result = await post_through(answering_server, address(proxy), protocol)
            assert result == NotSent("proxy_failed")
    away = address(proxy)
    assert await post_through(answering_server, away, protocol) == NotSent("proxy_failed")
    nowhere = read_proxy("http://nowhere.invalid:3128")
    assert await post_through(answering_server, nowhere, protocol) == NotSent("proxy_failed")
    assert answering_server.requests == []


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_tls_is_verified_behind_the_proxy_as_well(
    answering_server: AnsweringServer, protocol: Protocol
) -> None:
    """A proxy that answers in the server's place is not believed."""
    async with open_proxy() as proxy:
        pool = HttpPool(
            HttpOptions(protocol, deadline=2.0, connect_timeout=1.9, proxy=address(proxy))
        )
        assert await pool.post(answering_server.url, b"") == NotSent("tls_untrusted")
        await pool.close()
    assert answering_server.requests == []


async def test_the_environment_names_no_proxy(
    answering_server: AnsweringServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only our setting does: HTTPS_PROXY of some other program reroutes nobody's credentials."""
    async with open_proxy() as proxy:
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        pool = HttpPool(HttpOptions(ca_file=answering_server.ca_file))
        assert isinstance(await pool.post(answering_server.url, b""), Answered)
        await pool.close()
        assert proxy.targets == []


@pytest.mark.parametrize("kind", KINDS)
async def test_every_provider_goes_through_the_proxy(
    answering_server: AnsweringServer, kind: TokenKind
) -> None:
    """Google's token endpoint is reached through it as well."""
    async with (
        open_proxy(login="user:right") as proxy,
        open_bench(kind, answering_server, proxy=address(proxy, "user:right@")) as bench,
    ):
        assert [outcome.name for outcome in await bench.send(3)] == ["accepted"] * 3
        assert set(proxy.targets) == {f"CONNECT localhost:{answering_server.port}"}
        assert len(proxy.targets) == answering_server.connections


@pytest.mark.parametrize("kind", KINDS)
async def test_a_wrong_password_of_the_proxy_is_a_setting(
    answering_server: AnsweringServer, kind: TokenKind
) -> None:
    """An operator is told which; the pushes stay."""
    async with (
        open_proxy(login="user:right") as proxy,
        open_bench(kind, answering_server, proxy=address(proxy, "user:wrong@")) as bench,
    ):
        (outcome,) = await bench.send()
        expected = Misconfigured("proxy_login_refused", "see GTR_PROXY")
        assert outcome == (expected if kind == "fcm" else REFUSED)
    async with open_bench(kind, answering_server, proxy=address(proxy)) as bench:
        assert await bench.send() == [
            Retry("token_proxy_failed" if kind == "fcm" else "proxy_failed")
        ]


async def test_a_check_names_the_proxys_password(answering_server: AnsweringServer) -> None:
    """Not Google's key, which is fine."""
    async with (
        open_proxy(login="user:right") as proxy,
        open_bench("fcm", answering_server, proxy=address(proxy, "user:secret@")) as bench,
    ):
        with pytest.raises(ConfigurationError, match="GTR_PROXY") as raised:
            await bench.provider.check()
        assert "secret" not in str(raised.value)
