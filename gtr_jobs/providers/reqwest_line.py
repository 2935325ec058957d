"""A line to a server that may speak HTTP/1.1: over reqwest, which repeats nothing here.

reqwest would repeat by itself what a server has refused unprocessed (REFUSED_STREAM, GOAWAY beyond the
stream), unseen. It can do so only where it can copy the body, and a body that is given as a stream
cannot be copied. HTTP/1.1 knows no such refusal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import ClientClosedError, DetailedPyreqwestError, PyreqwestError
from pyreqwest.request import StreamRequest

from gtr_jobs.providers.exchange import (
    LARGEST_BODY,
    Answered,
    Broken,
    HttpOptions,
    NotSent,
    Result,
)


class ReqwestLine:
    """Sends requests to a server in whichever HTTP it speaks, and repeats none.

    Args:
        options: How to talk.
        authorities: Trusted (PEM) beside the usual ones.
        headers: Sent with every request.
        number: What `Answered.connection` says.
    """

    def __init__(
        self,
        options: HttpOptions,
        authorities: bytes | None,
        headers: Mapping[str, str],
        number: int = 0,
    ) -> None:
        self._client = _build_client(options, authorities, headers)
        self._streams_body = options.protocol != "http1"
        self._number = number

    async def ask(self, url: str, body: bytes | None, headers: Iterable[tuple[str, str]]) -> Result:
        """Send a request and wait for the whole answer; see `Line`."""
        try:
            async with self._write_request(url, body, headers) as response:
                # Fewer bytes than asked for means that the answer has ended.
                content = await response.body_reader.read(LARGEST_BODY + 1) or b""
                if len(content) > LARGEST_BODY:
                    return Broken("answer_too_large")
                return Answered(response.status, response.headers, bytes(content), self._number)
        except ClientClosedError:
            return Broken("pool_closed")
        except ValueError:
            return NotSent("request_invalid")
        except PyreqwestError as error:
            return _classify(error)

    async def close(self) -> None:
        """Close what is open; what is under way ends as broken by its deadline."""
        await self._client.close()

    def _write_request(
        self, url: str, body: bytes | None, headers: Iterable[tuple[str, str]]
    ) -> StreamRequest:
        request = self._client.get(url) if body is None else self._client.post(url)
        for name, value in headers:
            request = request.header(name, value)
        if body is None:
            # Asking twice changes nothing, whoever does it.
            return request.build_streamed()
        if not self._streams_body:
            return request.body_bytes(body).build_streamed()
        # In one piece, yet as a stream: see above. The length that a stream does not have is said by us.
        request = request.header("content-length", str(len(body)))
        return request.body_stream((body,)).build_streamed()


def _build_client(
    options: HttpOptions, authorities: bytes | None, headers: Mapping[str, str]
) -> Client:
    builder = (
        ClientBuilder()
        .default_headers(dict(headers))
        .https_only(enable=True)
        .min_tls_version("TLSv1.2")
        .follow_redirects(enable=False)
        .referer(enable=False)
        .gzip(enable=False)
        .brotli(enable=False)
        .zstd(enable=False)
        .deflate(enable=False)
        .timeout(timedelta(seconds=options.deadline))
        .connect_timeout(timedelta(seconds=options.connect_timeout))
        .tcp_keepalive(timedelta(seconds=options.ping_after))
    )
    builder = builder.no_proxy() if options.proxy is None else builder.proxy(options.proxy.build())
    if authorities is not None:
        builder = builder.add_root_certificate_pem(authorities)
    if options.protocol == "http1":
        return builder.http1_only().build()
    return (
        builder.http2(enable=True)
        .pool_idle_timeout(None)
        .http2_keep_alive_interval(timedelta(seconds=options.ping_after))
        .http2_keep_alive_timeout(timedelta(seconds=options.ping_patience))
        .http2_keep_alive_while_idle(enabled=True)
        .build()
    )


# What reqwest, hyper and h2 say of an error, and what it means. The first that is found decides.
_WHILE_CONNECTING: tuple[tuple[str, NotSent | Broken], ...] = (
    ("operation timed out", NotSent("connect_timeout")),
    ("proxy authorization required", NotSent("proxy_login_refused")),
    ("tunnel error", NotSent("proxy_failed")),
    ("dns error", NotSent("dns_failed")),
    ("invalid peer certificate", NotSent("tls_untrusted")),
    ("", NotSent("connect_failed")),
)
_AFTER_CONNECTING: tuple[tuple[str, NotSent | Broken], ...] = (
    # A connection that gave no sign of life.
    ("keep-alive timed out", Broken("connection_lost")),
    ("operation timed out", Broken("deadline")),
    ("stream error received: refused stream", NotSent("refused_stream")),
    # GOAWAY reaches only the streams that it says were not processed; the others end with the
    # connection.
    ("connection error received", NotSent("goaway")),
    ("stream error received", Broken("reset")),
    ("error decoding response body", Broken("answer_broken")),
)


def _classify(error: PyreqwestError) -> NotSent | Broken:
    """Say what an error of the HTTP client means for the request."""
    causes = error.details.get("causes") if isinstance(error, DetailedPyreqwestError) else None
    told = [cause["message"] for cause in causes or ()]
    meanings = _WHILE_CONNECTING if "client error (Connect)" in told else _AFTER_CONNECTING
    for words, meaning in meanings:
        if any(words in cause for cause in told):
            return meaning
    return Broken("connection_lost")
