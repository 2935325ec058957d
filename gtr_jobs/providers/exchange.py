"""One request and its answer over HTTP, told as a value: nothing that a network does is an exception.

    Answered    the server gave a whole answer
    NotSent     certainly nothing was processed: sending again cannot send twice
    Broken      something broke after the first byte may have left: the server may have acted

Nothing underneath sends a request twice. What is sent again is sent again by `HttpPool`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple
from typing import Protocol as Interface

from gtr_jobs import __version__
from gtr_jobs.providers.proxy import Proxy

Protocol = Literal["http2", "http1", "negotiated"]

LARGEST_BODY = 1024 * 1024
USER_AGENT = f"gtr-jobs/{__version__}"


class Answered(NamedTuple):
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

    def over_http1(self, service: str, connections: int) -> HttpOptions:
        """Give the same for a service that is asked over HTTP/1.1, which carries one request a connection."""
        return replace(
            self,
            protocol="http1",
            streams=1,
            connections=connections,
            warm_up=False,
            service=service,
        )


class Line(Interface):
    """What carries the requests of a pool to a server, a hundred or one at a time."""

    async def ask(self, url: str, body: bytes | None, headers: Iterable[tuple[str, str]]) -> Result:
        """POST a body, or GET where there is none, and wait for the whole answer, within the deadline.

        Args:
            url: Where to; https only.
            body: What to send.
            headers: Beside those that every request has; names in lower case.
        """
        ...

    async def close(self) -> None:
        """Close what is open; what is under way ends as broken."""
        ...
