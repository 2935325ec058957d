"""Headers of HTTP/2, against a decoder and an encoder that are not ours."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hpack import Decoder, Encoder
from hypothesis import given
from hypothesis import strategies as st

from gtr_jobs.providers.http2.frames import ProtocolError
from gtr_jobs.providers.http2.headers import Head, HeaderReader, HeaderWriter

_NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_.", min_size=1, max_size=40)
_INNER = st.characters(min_codepoint=0x20, max_codepoint=0x7E)
_VALUES = st.text(_INNER, max_size=300).map(str.strip)
_FIELDS = st.lists(st.tuples(_NAMES, _VALUES), max_size=80)


def _decode(decoder: Decoder, block: bytes) -> list[tuple[str, str]]:
    return [(str(name), str(value)) for name, value in decoder.decode(block)]


def _request(path: str, length: int, *fields: tuple[str, str]) -> list[tuple[str, str]]:
    return [
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", "push.example"),
        (":path", path),
        *fields,
        ("content-length", str(length)),
    ]


@given(_FIELDS, st.lists(st.tuples(_FIELDS, st.integers(0, 10**12)), max_size=4))
def test_a_decoder_reads_what_is_written(
    common: list[tuple[str, str]], requests: list[tuple[list[tuple[str, str]], int]]
) -> None:
    """However many headers there are, in the table or too many for it, from the first request on."""
    decoder = Decoder()
    decoder.max_header_list_size = 10**6
    writer = HeaderWriter("push.example", common)
    for number, (own, length) in enumerate(requests):
        block = writer.write(f"/{number}", length, own)
        read = _decode(decoder, block)
        assert read == [*_request(f"/{number}", length, *common), *own]


@given(st.lists(st.integers(0, 8192) | st.none(), max_size=8))
def test_a_decoder_that_changes_its_table_is_obeyed(steps: list[int | None]) -> None:
    """A limit is confirmed in the next block, the smallest of several first; None is a request."""
    common = [("authorization", "bearer x"), ("apns-topic", "app.example")]
    decoder = Decoder()
    writer = HeaderWriter("push.example", common)
    for step in [*steps, None, None]:
        if step is None:
            assert _decode(decoder, writer.write("/", 2, ())) == _request("/", 2, *common)
        else:
            writer.limit_table(step)
            decoder.max_allowed_table_size = step


@pytest.mark.parametrize("size", [0, 100, 118, 119, 4095])
def test_a_smaller_table_is_confirmed_where_all_still_fits_as_well(size: int) -> None:
    """Some servers take a block without it for an error, whatever the table holds."""
    writer = HeaderWriter("a", [("x-name", "value" * 10), ("x", "y" * 20)])
    writer.write("/", 0, ())
    writer.limit_table(size)
    first, second = writer.write("/", 0, ()), writer.write("/", 0, ())
    assert first[0] & 0xE0 == 0x20
    assert first.endswith(second)
    assert second[0] == 0x83


def test_what_every_request_has_costs_a_byte_from_the_second_on() -> None:
    """The names and values go out once a connection."""
    writer = HeaderWriter("push.example", [("authorization", "secret"), ("user-agent", "us")])
    assert b"secret" in writer.write("/", 2, ())
    assert writer.write("/a", 2, ()) == (
        b"\x83\x87\x01\x0cpush.example\x04\x02/a\xbf\xbe\x0f\x0d\x012"
    )


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("", ()),
        ("a", ()),
        ("/a b", ()),
        ("/ä", ()),
        ("/\n", ()),
        ("/", [("Upper", "x")]),
        ("/", [("", "x")]),
        ("/", [(":path", "/")]),
        ("/", [("x", "a\r\nb: c")]),
        ("/", [("x", " a")]),
        ("/", [("x", "ä")]),
    ],
)
def test_what_is_no_header_is_not_written_and_changes_nothing(
    path: str, fields: list[tuple[str, str]]
) -> None:
    """The table on the other side is the same as before; the error shows no secret."""
    decoder = Decoder()
    writer = HeaderWriter("push.example", [("a", "b")])
    with pytest.raises(
        ValueError, match=r"^what is to be a (path|header's name|header's value) is"
    ):
        writer.write(path, 0, fields)
    for _ in range(2):
        assert _decode(decoder, writer.write("/", 0, ())) == _request("/", 0, ("a", "b"))


@given(st.integers(100, 599), st.dictionaries(_NAMES, _VALUES, max_size=10), st.booleans())
def test_what_an_encoder_writes_is_read(
    status: int, headers: dict[str, str], is_packed: bool
) -> None:
    """With Huffman's code and without, again and again the same."""
    encoder = Encoder()
    encoder.header_table_size = 0
    reader = HeaderReader()
    block = encoder.encode([(":status", str(status)), *headers.items()], huffman=is_packed)
    for _ in range(2):
        assert reader.read(block) == Head(status, headers)


@given(st.binary(max_size=200))
def test_any_bytes_are_headers_or_none(block: bytes) -> None:
    """Nothing else comes out of them, whoever wrote them."""
    with suppress(ProtocolError):
        head = HeaderReader().read(block)
        assert head.status == 0 or 100 <= head.status <= 999


def test_only_so_much_is_remembered() -> None:
    """A server whose every answer differs costs no more memory than one that repeats itself."""
    reader = HeaderReader()
    for number in range(2000):
        reader.read(b"\x88\x00\x01a\x04%04d" % number)
    reader.read(b"\x88\x00\x01a\x7f\xa1\x07" + b"x" * 1056)
    assert len(reader._known) <= 512
    assert max(len(block) for block in reader._known) < 20
