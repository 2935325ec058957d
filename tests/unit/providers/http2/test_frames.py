"""Frames of HTTP/2, written as another library writes them."""

from __future__ import annotations

import pytest
from hyperframe.frame import (
    GoAwayFrame,
    PingFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from gtr_jobs.providers.http2 import frames
from gtr_jobs.providers.http2.frames import Code, ProtocolError, Setting


def test_frames_are_written_as_another_library_writes_them() -> None:
    """Byte for byte."""
    settings = {Setting.HEADER_TABLE_SIZE: 0, Setting.INITIAL_WINDOW_SIZE: 7}
    told = {int(setting): value for setting, value in settings.items()}
    assert frames.write_settings(settings) == SettingsFrame(0, told).serialize()
    assert frames.write_window_update(5, 9) == WindowUpdateFrame(5, 9).serialize()
    assert frames.write_reset(3, Code.CANCEL) == RstStreamFrame(3, 8).serialize()
    assert frames.write_goaway(Code.NO_ERROR) == GoAwayFrame(0, 0, 0).serialize()
    ping = frames.write_frame(frames.PING, 0, 0, b"12345678")
    assert ping == PingFrame(0, b"12345678").serialize()
    large = frames.write_frame(frames.DATA, 0, 1, bytes(70_000))
    assert large[:9] == b"\x01\x11\x70\x00\x00\x00\x00\x00\x01"


@pytest.mark.parametrize(
    ("payload", "flags", "expected"),
    [
        (b"abc", 0, b"abc"),
        (b"\x00abc", frames.PADDED, b"abc"),
        (b"\x02abc", frames.PADDED, b"a"),
        (b"\x03abc", frames.PADDED, b""),
        (b"12345abc", frames.PRIORITY, b"abc"),
        (b"\x0112345abc", frames.PADDED | frames.PRIORITY, b"ab"),
        (b"\x04abc", frames.PADDED, Code.PROTOCOL_ERROR),
        (b"\xffabc", frames.PADDED, Code.PROTOCOL_ERROR),
        (b"1234", frames.PRIORITY, Code.PROTOCOL_ERROR),
        (b"\x0112345", frames.PADDED | frames.PRIORITY, Code.PROTOCOL_ERROR),
        (b"", frames.PADDED, Code.FRAME_SIZE_ERROR),
    ],
)
def test_padding_is_no_content(payload: bytes, flags: int, expected: bytes | Code) -> None:
    """And never more than there is."""
    if isinstance(expected, bytes):
        assert frames.strip_padding(payload, flags) == expected
        return
    with pytest.raises(ProtocolError) as raised:
        frames.strip_padding(payload, flags)
    assert raised.value.code is expected


def test_the_last_of_two_settings_counts() -> None:
    """Settings that are not known are kept, and mean nothing."""
    told = b"\x00\x03\x00\x00\x00\x01" + b"\x00\x99\x00\x00\x00\x05" + b"\x00\x03\x00\x00\x00\x02"
    assert frames.read_settings(told) == {3: 2, 0x99: 5}


def test_the_unused_bit_of_a_goodbye_is_passed_over() -> None:
    """What follows the two numbers is words."""
    assert frames.read_goaway(b"\x80\x00\x00\x07" + bytes(4) + b"bye") == 7
