"""Headers of HTTP/2, packed and unpacked (HPACK, RFC 7541), for requests that are all alike.

Requests go to one server with the same headers but for a few: those are put into the connection's
table by the first request, and cost a byte each from then on. Answers may use no table at all: then
a block of bytes always means the same headers, and one that has been seen before is looked up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from hpack import Decoder, HPACKError

from gtr_jobs.providers.http2.frames import Code, ProtocolError

# Entries of the static table (RFC 7541, appendix A): the bytes of an indexed field and of a name.
_POST_HTTPS = b"\x83\x87"
_AUTHORITY = b"\x01"
_PATH = b"\x04"
_CONTENT_LENGTH = b"\x0f\x0d"

_LITERAL = b"\x00"
_LITERAL_TO_TABLE = b"\x40"
_RESIZE = 0x20
_INDEXED = 0x80
_FIRST_OF_TABLE = 62
_ENTRY_OVERHEAD = 32
_DEFAULT_TABLE = 4096

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+", re.ASCII)
_VALUE = re.compile(r"(?:[!-~](?:[ -~]*[!-~])?)?", re.ASCII)
_STATUS = re.compile(r"[1-9][0-9]{2}", re.ASCII)
_TARGET = re.compile(r"/[!-~]*", re.ASCII)

_REMEMBERED = 512
# Bytes of a block that is worth to be remembered; real ones are a tenth of that.
_LARGEST_REMEMBERED = 1024
_LARGEST_LIST = 65_536
_Field = tuple[str, str]


def _write_integer(value: int, bits: int, pattern: int) -> bytes:
    """Write a number behind a bit pattern (RFC 7541, 5.1)."""
    limit = (1 << bits) - 1
    if value < limit:
        return bytes((pattern | value,))
    written = bytearray((pattern | limit,))
    value -= limit
    while value >= 128:
        written.append(value & 127 | 128)
        value >>= 7
    written.append(value)
    return bytes(written)


def _write_string(text: str) -> bytes:
    """Write a string as it is: packing it smaller would cost more than it saves."""
    content = text.encode("ascii")
    return _write_integer(len(content), 7, 0) + content


@lru_cache(_REMEMBERED)
def _write_name(name: str) -> bytes:
    if not _NAME.fullmatch(name):
        raise ValueError("what is to be a header's name is none")
    return _write_string(name)


@lru_cache(_REMEMBERED)
def _write_value(value: str) -> bytes:
    # It may be a secret: the error does not show it.
    if not _VALUE.fullmatch(value):
        raise ValueError("what is to be a header's value is none")
    return _write_string(value)


@lru_cache(_REMEMBERED)
def _write_path(path: str) -> bytes:
    if not _TARGET.fullmatch(path):
        raise ValueError("what is to be a path is none")
    return _PATH + _write_string(path)


class HeaderWriter:
    """Writes the headers of requests to one server over one connection.

    Args:
        authority: Host, and port where it is not the usual one.
        fields: Sent with every request.

    Raises:
        ValueError: One of them cannot be sent.
    """

    def __init__(self, authority: str, fields: Iterable[_Field]) -> None:
        self._start = _POST_HTTPS + _AUTHORITY + _write_value(authority)
        fields = [(name.lower(), value) for name, value in fields]
        written = [_write_name(name) + _write_value(value) for name, value in fields]
        self._table_size = sum(len(name) + len(value) + _ENTRY_OVERHEAD for name, value in fields)
        self._literal = b"".join(_LITERAL + field for field in written)
        self._next = b"".join(_LITERAL_TO_TABLE + field for field in written)
        # The newest entry has the lowest number; all are there once the first request is written.
        self._later = b"".join(
            _write_integer(_FIRST_OF_TABLE + n, 7, _INDEXED) for n in reversed(range(len(fields)))
        )
        self._size = _DEFAULT_TABLE
        self._update = b""
        if self._table_size > _DEFAULT_TABLE:
            self.limit_table(0)

    def limit_table(self, size: int) -> None:
        """Obey what the server says of the table that it keeps for us, from the next request on.

        A smaller table is confirmed before the next field, even where what is in it still fits: a
        server may take anything else for an error (RFC 7541, 4.2). A larger one is not made use of.
        """
        if size >= self._size:
            return
        if size < self._table_size:
            # Whatever it held is forgotten, here and there.
            size = 0
            self._next = self._later = self._literal
        self._size = size
        self._update = _write_integer(size, 5, _RESIZE)

    def write(self, path: str, length: int, fields: Iterable[_Field]) -> bytes:
        """Write the headers of one request, which has to be sent then: the server's table counts on it.

        Args:
            path: With the query.
            length: Of the body, bytes.
            fields: Beside those that every request has; names in lower case.

        Raises:
            ValueError: One of them cannot be sent; nothing needs to be.
        """
        own = [_write_path(path), b"", _CONTENT_LENGTH, _write_string(str(length))]
        for name, value in fields:
            own += (_LITERAL, _write_name(name), _write_value(value))
        own[1], self._next = self._next, self._later
        update, self._update = self._update, b""
        return update + self._start + b"".join(own)


class Head(NamedTuple):
    """What begins an answer.

    Args:
        status: HTTP status; 0 where there is none that could be one.
        headers: By lower case name.
    """

    status: int
    headers: Mapping[str, str]


class HeaderReader:
    """Reads the headers of answers from a server that keeps no table for them."""

    def __init__(self) -> None:
        self._decoder = Decoder(_LARGEST_LIST)
        self._decoder.header_table_size = 0
        self._decoder.max_allowed_table_size = 0
        self._known: dict[bytes, Head] = {}

    def read(self, block: bytes) -> Head:
        """Read a block; the first of several values for one name counts.

        Raises:
            ProtocolError: It is none.
        """
        known = self._known.get(block)
        if known is None:
            if len(block) > _LARGEST_REMEMBERED:
                return self._decode(block)
            if len(self._known) >= _REMEMBERED:
                # A date in them changes every second: what is old does not come again.
                self._known.clear()
            known = self._known[block] = self._decode(block)
        return known

    def _decode(self, block: bytes) -> Head:
        try:
            fields = self._decoder.decode(block, raw=True)
        except HPACKError:
            raise ProtocolError(Code.COMPRESSION_ERROR) from None
        # Backwards, so that the first one stays.
        headers = {
            bytes(name).decode("latin-1"): bytes(value).decode("latin-1")
            for name, value, *_ in reversed(list(fields))
        }
        status = headers.pop(":status", "")
        return Head(int(status) if _STATUS.fullmatch(status) else 0, headers)
