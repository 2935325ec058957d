"""What a text message comes to before it is sent."""

from __future__ import annotations

import pytest

from gtr_jobs.domain.segments import Segments, count_segments

_GRIN = "\U0001f600"


@pytest.mark.parametrize(
    ("body", "segments"),
    [
        pytest.param("", Segments("gsm7", 1), id="empty"),
        pytest.param("a" * 160, Segments("gsm7", 1), id="gsm7-full"),
        pytest.param("a" * 161, Segments("gsm7", 2), id="gsm7-one-more"),
        pytest.param("a" * 306, Segments("gsm7", 2), id="gsm7-two-full"),
        pytest.param("a" * 307, Segments("gsm7", 3), id="gsm7-three"),
        pytest.param("@£$ÄÖÜß\n\r€{}[]~|\\^", Segments("gsm7", 1), id="gsm7-signs"),
        pytest.param("€" * 80, Segments("gsm7", 1), id="extended-full"),
        pytest.param("€" * 81, Segments("gsm7", 2), id="extended-one-more"),
        pytest.param("€" * 153, Segments("gsm7", 3), id="extended-is-not-torn"),
        pytest.param("a" * 152 + "€" + "a" * 151, Segments("gsm7", 2), id="extended-at-the-seam"),
        pytest.param("a" * 152 + "€" + "a" * 152, Segments("gsm7", 3), id="extended-leaves-a-gap"),
        pytest.param("ж" * 70, Segments("ucs2", 1), id="ucs2-full"),
        pytest.param("ж" * 71, Segments("ucs2", 2), id="ucs2-one-more"),
        pytest.param("ж" * 134, Segments("ucs2", 2), id="ucs2-two-full"),
        pytest.param("ж" * 135, Segments("ucs2", 3), id="ucs2-three"),
        pytest.param("a" * 69 + "ç", Segments("ucs2", 1), id="one-sign-decides"),
        pytest.param("a" * 160 + "\u2019", Segments("ucs2", 3), id="a-typographic-sign-costs-two"),
        pytest.param(_GRIN * 35, Segments("ucs2", 1), id="pairs-full"),
        pytest.param(_GRIN * 36, Segments("ucs2", 2), id="pairs-one-more"),
        pytest.param(_GRIN * 67, Segments("ucs2", 3), id="a-pair-is-not-torn"),
    ],
)
def test_segments_are_counted_as_the_network_fills_them(body: str, segments: Segments) -> None:
    """At the ends of both alphabets, with and without signs that take two places."""
    assert count_segments(body) == segments
