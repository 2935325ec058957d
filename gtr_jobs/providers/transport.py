"""A pool of HTTP clients that grows with what is in flight.

One client is one HTTP/2 connection, and a connection carries a hundred requests at a time: at 60 ms
a round trip that is 1,600 requests a second, so a burst needs several.

    post ──▶ room on an open connection? ──▶ exchange ──▶ Answered | NotSent | Broken
       ▲      └─ none: wait, and open one more when those that are open cannot hold all that waits
       └── once or twice more, counted, where the server says that it did not process the request
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping

from gtr_jobs.providers.authorities import read_authorities
from gtr_jobs.providers.exchange import (
    Answered,
    Broken,
    HttpOptions,
    Line,
    NotSent,
    Result,
    build_client,
    exchange,
)

# Waiting for room may take this part of a deadline; what is sent then has a whole one before it.
_WAITING_SHARE = 0.5

# Seconds. A body that is given as a stream is read by the HTTP client's own thread, which needs the
# interpreter for it: with Python's 5 ms between two threads it would wait longer than it works.
SWITCH_INTERVAL = 0.0005

# What a server refused unprocessed goes out again so often; never later than in the first half of a
# deadline, so that a whole one is left.
_RESENDS = 2
_RESENDING_SHARE = 0.5
_UNPROCESSED = frozenset({"goaway", "refused_stream"})


class _Connection:
    """One client and what is under way on it."""

    __slots__ = ("in_flight", "is_closing", "last_used", "line", "room", "takes_more")

    def __init__(self, line: Line, room: int) -> None:
        self.line = line
        self.room = room
        self.in_flight = 0
        self.last_used = 0.0
        self.takes_more = True
        self.is_closing = False


class HttpPool:
    """Sends requests to one service over as many connections as they need.

    Args:
        options: How to talk to it, and how much at a time.
        headers: Sent with every request; `use_headers` changes them.

    Raises:
        ConfigurationError: The file of certificate authorities cannot be used.
    """

    def __init__(self, options: HttpOptions, headers: Mapping[str, str] | None = None) -> None:
        self._options = options
        self._authorities = read_authorities(options.ca_file, options.ca_setting)
        self._headers = dict(headers or {})
        self._connections: list[_Connection] = []
        self._retired: set[_Connection] = set()
        self._opened = 0
        self._in_flight = 0
        self._waiting: deque[asyncio.Future[_Connection | NotSent]] = deque()
        self._tidying: asyncio.TimerHandle | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._is_closed = False

    @property
    def width(self) -> int:
        """How many requests can be under way at once."""
        return self._options.streams * self._options.connections

    @property
    def open_connections(self) -> int:
        """How many connections take requests."""
        return len(self._connections)

    @property
    def in_flight(self) -> int:
        """How many requests are under way."""
        return self._in_flight

    async def post(self, url: str, body: bytes, headers: Iterable[tuple[str, str]] = ()) -> Result:
        """Send a request when there is room for it.

        Cancelling whoever waits for the answer calls nothing back: what is on its way may still be
        processed until its deadline, as after a connection that breaks.

        Args:
            url: Where to; https only.
            body: What to send.
            headers: Beside the pool's own.

        Returns:
            What became of it, after two deadlines at most.
        """
        result = await self._ask_once(url, body, headers)
        if isinstance(result, NotSent) and result.code in _UNPROCESSED:
            return await self._post_again(url, body, headers, result)
        return result

    async def get(self, url: str, headers: Iterable[tuple[str, str]] = ()) -> Result:
        """Ask for something when there is room; see `post`. Asking twice changes nothing."""
        result = await self._ask_once(url, None, headers)
        if result == Broken("connection_lost"):
            # Most likely one that rested, and that the server had closed.
            result = await self._ask_once(url, None, headers)
        return result

    async def _post_again(
        self, url: str, body: bytes, headers: Iterable[tuple[str, str]], refused: NotSent
    ) -> Result:
        """Send what the server has certainly not processed once or twice more."""
        clock = asyncio.get_running_loop().time
        latest = clock() + self._options.deadline * _RESENDING_SHARE
        result: Result = refused
        for _ in range(_RESENDS):
            if not (isinstance(result, NotSent) and result.code in _UNPROCESSED):
                break
            if self._is_closed or clock() > latest:
                break
            self._options.observe_resend(self._options.service, result.code)
            result = await self._ask_once(url, body, headers)
        return result

    async def _ask_once(
        self, url: str, body: bytes | None, headers: Iterable[tuple[str, str]]
    ) -> Result:
        # Whoever waits has got all room that was left, so nobody is overtaken here.
        connection = self._find_room(1)
        if connection is None:
            granted = await self._wait_for_room()
            if isinstance(granted, NotSent):
                return granted
            connection = granted
        else:
            self._take(connection)
        try:
            result = await exchange(connection.line, url, body, headers)
            if self._options.warm_up:
                connection.room = self._options.streams if isinstance(result, Answered) else 1
            return result
        finally:
            self._give_back(connection)

    def use_headers(self, headers: Mapping[str, str]) -> None:
        """Send other headers from now on, on new connections; the same ones change nothing."""
        if headers == self._headers:
            return
        self._headers = dict(headers)
        for connection in list(self._connections):
            self._retire(connection)
        self._wake_waiting()

    def retire(self, number: int) -> None:
        """Send nothing more on a connection; what is under way on it goes on.

        Args:
            number: `Answered.connection`.
        """
        for connection in self._connections:
            if connection.line.number == number:
                self._retire(connection)
                self._wake_waiting()
                return

    async def close(self) -> None:
        """Close all connections; requests under way end as broken, waiting ones as not sent.

        A connection with a request under way stays until that request's deadline at most.
        """
        self._is_closed = True
        if self._tidying is not None:
            self._tidying.cancel()
            self._tidying = None
        for connection in list(self._connections):
            self._retire(connection)
        for connection in list(self._retired):
            self._close_soon(connection)
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(NotSent("pool_closed"))
        await asyncio.gather(*self._closing)

    def _find_room(self, asking: int) -> _Connection | None:
        """Give a connection with room, an open one or a new one; None when it is time to wait."""
        for connection in self._connections:
            if connection.in_flight < connection.room:
                return connection
        opened = len(self._connections)
        demand = self._in_flight + len(self._waiting) + asking
        if opened >= self._options.connections or demand <= opened * self._options.streams:
            return None
        if self._options.warm_up and opened and all(c.room == 1 for c in self._connections):
            # Whether the token is any good is not known yet.
            return None
        return None if self._is_closed else self._open()

    def _open(self) -> _Connection:
        self._opened += 1
        client = build_client(self._options, self._authorities, self._headers)
        room = 1 if self._options.warm_up else self._options.streams
        connection = _Connection(Line(client, self._options.protocol, self._opened), room)
        self._connections.append(connection)
        if len(self._connections) > 1 and self._tidying is None:
            self._tidy_later()
        return connection

    async def _wait_for_room(self) -> _Connection | NotSent:
        if self._is_closed:
            return NotSent("pool_closed")
        future: asyncio.Future[_Connection | NotSent] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self._wake_waiting()
        try:
            async with asyncio.timeout(self._options.deadline * _WAITING_SHARE):
                return await future
        except TimeoutError:
            # Room may have come in the same moment.
            return NotSent("pool_timeout") if future.cancelled() else future.result()
        except asyncio.CancelledError:
            if not future.cancelled() and isinstance(granted := future.result(), _Connection):
                self._give_back(granted)
            raise

    def _wake_waiting(self) -> None:
        while self._waiting:
            if self._waiting[0].done():
                self._waiting.popleft()
                continue
            connection = self._find_room(0)
            if connection is None:
                return
            self._take(connection)
            self._waiting.popleft().set_result(connection)

    def _take(self, connection: _Connection) -> None:
        connection.in_flight += 1
        self._in_flight += 1

    def _give_back(self, connection: _Connection) -> None:
        connection.in_flight -= 1
        self._in_flight -= 1
        connection.last_used = asyncio.get_running_loop().time()
        if connection.in_flight == 0 and not connection.takes_more:
            self._close_soon(connection)
        self._wake_waiting()

    def _retire(self, connection: _Connection) -> None:
        connection.takes_more = False
        self._connections.remove(connection)
        self._retired.add(connection)
        if connection.in_flight == 0:
            self._close_soon(connection)

    def _close_soon(self, connection: _Connection) -> None:
        if connection.is_closing:
            return
        connection.is_closing = True
        self._retired.discard(connection)
        task = asyncio.get_running_loop().create_task(connection.line.client.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _tidy_later(self) -> None:
        seconds = self._options.idle_seconds
        self._tidying = asyncio.get_running_loop().call_later(seconds, self._tidy)

    def _tidy(self) -> None:
        """Close what has had nothing to do for long."""
        self._tidying = None
        idle_since = asyncio.get_running_loop().time() - self._options.idle_seconds
        for connection in self._connections[1:]:
            if connection.in_flight == 0 and connection.last_used <= idle_since:
                self._retire(connection)
        if len(self._connections) > 1:
            self._tidy_later()
