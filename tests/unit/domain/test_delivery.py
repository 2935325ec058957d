"""A delivery's name is the same every time, and nobody else's."""

from __future__ import annotations

from uuid import UUID

from gtr_jobs.domain.delivery import make_dedupe_key

_ROW = UUID("11111111-1111-4111-8111-111111111111")
_DEVICE = UUID("22222222-2222-4222-8222-222222222222")


def test_the_same_event_for_the_same_device_has_the_same_name() -> None:
    """Written down here, because a change would send what was sent before once more."""
    assert make_dedupe_key("message", _ROW, _DEVICE) == UUID("65716afc-fa8b-5ce7-819e-c84b3b591a02")


def test_kind_row_and_device_each_make_another_name() -> None:
    """No two deliveries share one."""
    keys = {
        make_dedupe_key("message", _ROW, _DEVICE),
        make_dedupe_key("forum_like", _ROW, _DEVICE),
        make_dedupe_key("message", _DEVICE, _DEVICE),
        make_dedupe_key("message", _ROW, _ROW),
    }

    assert len(keys) == 4
