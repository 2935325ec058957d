"""Bytes as they come, taken apart into the same frames wherever they are cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtr_jobs.providers.http2 import frames
from gtr_jobs.providers.http2.frames import Code, ProtocolError, write_frame
from gtr_jobs.providers.http2.receiver import Frame, Receiver

_KINDS = st.sampled_from(
    [kind for kind in range(256) if kind not in {frames.HEADERS, frames.PUSH_PROMISE, 9}]
)
_FRAMES = st.tuples(
    _KINDS, st.integers(0, 255), st.integers(0, frames.LARGEST_STREAM), st.binary(max_size=60)
)
_STREAM = (
    write_frame(frames.SETTINGS, 0, 0, b"\x00\x03\x00\x00\x00\x64")
    + write_frame(frames.HEADERS, frames.END_HEADERS, 1, b"\x88")
    + write_frame(frames.HEADERS, frames.PADDED | frames.PRIORITY | 1, 3, b"\x01" + b"12345a.")
    + write_frame(frames.CONTINUATION, 0, 3, b"")
    + write_frame(frames.CONTINUATION, frames.END_HEADERS, 3, b"b")
    + write_frame(frames.DATA, frames.END_STREAM, 1, b"content")
)
_EXPECTED: list[Frame] = [
    (frames.SETTINGS, 0, 0, b"\x00\x03\x00\x00\x00\x64"),
    (frames.HEADERS, frames.END_HEADERS, 1, b"\x88"),
    (frames.HEADERS, frames.END_STREAM, 3, b"ab"),
    (frames.DATA, frames.END_STREAM, 1, b"content"),
]


def _take(*pieces: bytes) -> list[Frame]:
    receiver = Receiver()
    return [frame for piece in pieces for frame in receiver.take(piece)]


@pytest.mark.parametrize("cut", range(len(_STREAM) + 1))
def test_a_cut_changes_nothing(cut: int) -> None:
    """Within a header, a payload, or headers of several frames."""
    assert _take(_STREAM[:cut], _STREAM[cut:]) == _EXPECTED


def test_a_byte_at_a_time_changes_nothing() -> None:
    """Nor does any other size."""
    for size in range(1, len(_STREAM)):
        pieces = [_STREAM[at : at + size] for at in range(0, len(_STREAM), size)]
        assert _take(*pieces) == _EXPECTED


@given(st.lists(_FRAMES, max_size=10), st.lists(st.integers(0, 500), max_size=5))
def test_whatever_is_written_is_taken(written: list[Frame], cuts: list[int]) -> None:
    """Kind, flags, stream and payload are the ones that went in; an unused bit is passed over."""
    whole = b"".join(write_frame(*frame) for frame in written)
    edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    pieces = [whole[a:b] for a, b in pairwise(edges)]
    assert _take(*pieces) == written
    assert _take(b"\x00\x00\x00\x06\x01\x80\x00\x00\x00") == [(frames.PING, 1, 0, b"")]


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (b"\x00\x40\x01\x00\x00\x00\x00\x00\x01", Code.FRAME_SIZE_ERROR),
        (write_frame(frames.CONTINUATION, 4, 1), Code.PROTOCOL_ERROR),
        (write_frame(frames.HEADERS, 0, 1) + write_frame(0xFF, 0, 1), Code.PROTOCOL_ERROR),
        (write_frame(frames.HEADERS, 0, 1) + write_frame(9, 4, 3), Code.PROTOCOL_ERROR),
        (write_frame(frames.HEADERS, frames.PADDED, 1), Code.FRAME_SIZE_ERROR),
        (write_frame(frames.HEADERS, frames.PADDED, 1, b"\x01"), Code.PROTOCOL_ERROR),
        (write_frame(frames.HEADERS, 0, 1) + write_frame(9, 0, 1) * 16, Code.ENHANCE_YOUR_CALM),
        (
            write_frame(frames.HEADERS, 0, 1) + write_frame(9, 0, 1, bytes(16_384)) * 3,
            Code.ENHANCE_YOUR_CALM,
        ),
    ],
)
def test_what_is_no_http2_is_told_from_what_is(told: bytes, code: Code) -> None:
    """With the code that the server is told, and before its payload has come."""
    with pytest.raises(ProtocolError) as raised:
        _take(told)
    assert raised.value.code is code


def test_headers_may_come_in_sixteen_frames() -> None:
    """That is as many as anybody has needed."""
    told = write_frame(frames.HEADERS, 0, 1, b"a") + write_frame(9, 0, 1, b"a") * 14
    assert _take(told, write_frame(9, 4, 1, b"b")) == [(frames.HEADERS, 0, 1, b"a" * 15 + b"b")]
