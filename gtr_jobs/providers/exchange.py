"""One request and its answer over HTTP, told as a value: nothing that a network does is an exception.

    Answered    the server gave a whole answer
    NotSent     certainly nothing was processed: sending again cannot send twice
    Broken      something broke after the first byte may have left: the server may have acted

Nothing underneath sends a body twice. reqwest would repeat what a server has refused unprocessed
(REFUSED_STREAM, GOAWAY beyond the stream), unseen; it can only do so where it can copy the body, and
a body that is given as a stream cannot be copied. HTTP/1.1 knows no such refusal. What is sent again
is sent again by `HttpPool`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import ClientClosedError, DetailedPyreqwestError, PyreqwestError
from pyreqwest.request import StreamRequest

from gtr_jobs import __version__
from gtr_jobs.providers.proxy import Proxy

Protocol = Literal["http2", "http1", "negotiated"]

LARGEST_BODY = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answered:
    """The server gave a whole answer.

    Args:
        status: HTTP status.
        headers: By lower case name.
        body: All of it.
        connection: Which connection of its pool carried it.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    connection: int = 0


@dataclass(frozen=True, slots=True)
class NotSent:
    """Certainly nothing was processed.

    Args:
        code: Why, in one word; `request_invalid` is the only one that trying again cannot mend.
    """

    code: Literal[
        "connect_failed",
        "connect_timeout",
        "dns_failed",
        "goaway",
        "pool_closed",
        "pool_timeout",
        "proxy_failed",
        "proxy_login_refused",
        "refused_stream",
        "request_invalid",
        "tls_untrusted",
    ]


@dataclass(frozen=True, slots=True)
class Broken:
    """The server may have acted, and did not say so.

    Args:
        code: What broke, in one word.
    """

    code: Literal[
        "answer_broken", "answer_too_large", "connection_lost", "deadline", "pool_closed", "reset"
    ]


Result = Answered | NotSent | Broken

# Called when a request goes out again that a server refused unprocessed: the service, and the code.
ObserveResend = Callable[[str, str], None]


def observe_no_resend(service: str, code: str) -> None:
    """Take no notice of what is sent again."""


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """How to talk to a server, and how much at a time.

    Args:
        protocol: `http2` speaks nothing else, `http1` neither; `negotiated` lets TLS decide.
        ca_file: Certificate authorities (PEM) trusted beside the usual ones.
        ca_setting: The setting that names the file, for error messages.
        deadline: Seconds for a request, from connecting to the last byte of the answer.
        connect_timeout: Seconds for connecting, the TLS handshake included; shorter than the
            deadline, or a request that was never sent could not be told from one that was.
        streams: Requests that a connection carries at a time; 1 with HTTP/1.1, which knows no
            streams and would open a connection for each.
        connections: The most that a pool has open at a time.
        idle_seconds: When a connection that has nothing to do is closed; the first one stays.
        warm_up: Whether a connection carries a single request until it has been answered, and no
            second one is opened before the first has been: APNs allows no more before it has seen
            a valid token.
        ping_after: Seconds of silence after which a connection is asked for a sign of life, before
            a router on the way forgets it.
        ping_patience: Seconds that the sign may take.
        proxy: Through which requests leave; none unless it is given, whatever the environment says.
        service: Whom it talks to, for `observe_resend`.
        observe_resend: Told of every request that is sent again.
    """

    protocol: Protocol = "http2"
    ca_file: Path | None = None
    ca_setting: str = "GTR_CA_FILE"
    deadline: float = 10.0
    connect_timeout: float = 4.0
    streams: int = 100
    connections: int = 12
    idle_seconds: float = 60.0
    warm_up: bool = False
    ping_after: float = 60.0
    ping_patience: float = 10.0
    proxy: Proxy | None = None
    service: str = ""
    observe_resend: ObserveResend = observe_no_resend

    def __post_init__(self) -> None:
        if not 0 < self.connect_timeout < self.deadline:
            raise ValueError("the connect timeout must be shorter than the deadline")


def build_client(
    options: HttpOptions, authorities: bytes | None, headers: Mapping[str, str]
) -> Client:
    """Make a client: with HTTP/2, one connection that opens when it is first used.

    Args:
        options: How to talk.
        authorities: What `read_authorities` gave (`authorities.py`).
        headers: Sent with every request; encoded once, which is why they are fast.
    """
    builder = (
        ClientBuilder()
        .user_agent(f"gtr-jobs/{__version__}")
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
    match options.protocol:
        case "http1":
            return builder.http1_only().build()
        case "http2":
            builder = builder.http2_prior_knowledge()
        case "negotiated":
            builder = builder.http2(enable=True)
    return (
        builder.pool_idle_timeout(None)
        .http2_keep_alive_interval(timedelta(seconds=options.ping_after))
        .http2_keep_alive_timeout(timedelta(seconds=options.ping_patience))
        .http2_keep_alive_while_idle(enabled=True)
        .build()
    )


@dataclass(frozen=True, slots=True)
class Line:
    """A client, and what is to be known of it.

    Args:
        client: From `build_client`.
        protocol: What it speaks.
        number: What `Answered.connection` says.
    """

    client: Client
    protocol: Protocol
    number: int = 0


async def exchange(
    line: Line, url: str, body: bytes | None, headers: Iterable[tuple[str, str]]
) -> Result:
    """POST a body, or GET where there is none, and wait for the whole answer.

    Args:
        line: Over which client.
        url: Where to; https only.
        body: What to send.
        headers: Beside the client's own.
    """
    try:
        ready = _write_request(line, url, body, headers)
        async with ready as response:
            # Fewer bytes than asked for means that the answer has ended.
            content = await response.body_reader.read(LARGEST_BODY + 1) or b""
            if len(content) > LARGEST_BODY:
                return Broken("answer_too_large")
            return Answered(response.status, response.headers, bytes(content), line.number)
    except ClientClosedError:
        return Broken("pool_closed")
    except ValueError:
        return NotSent("request_invalid")
    except PyreqwestError as error:
        return classify_error(error)


def _write_request(
    line: Line, url: str, body: bytes | None, headers: Iterable[tuple[str, str]]
) -> StreamRequest:
    request = line.client.get(url) if body is None else line.client.post(url)
    for name, value in headers:
        request = request.header(name, value)
    if body is None:
        # Asking twice changes nothing, whoever does it.
        return request.build_streamed()
    if line.protocol == "http1":
        return request.body_bytes(body).build_streamed()
    # In one piece, yet as a stream: see above. The length that a stream does not have is said by us.
    request = request.header("content-length", str(len(body)))
    return request.body_stream((body,)).build_streamed()


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


def classify_error(error: PyreqwestError) -> NotSent | Broken:
    """Say what an error of the HTTP client means for the request."""
    causes = error.details.get("causes") if isinstance(error, DetailedPyreqwestError) else None
    told = [cause["message"] for cause in causes or ()]
    meanings = _WHILE_CONNECTING if "client error (Connect)" in told else _AFTER_CONNECTING
    for words, meaning in meanings:
        if any(words in cause for cause in told):
            return meaning
    return Broken("connection_lost")
