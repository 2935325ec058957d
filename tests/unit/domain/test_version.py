"""Versions are compared as numbers."""

from __future__ import annotations

import pytest

from gtr_jobs import __version__
from gtr_jobs.domain.version import Version


def test_versions_are_ordered_as_numbers() -> None:
    """Ten comes after nine, and a pre-release counts as what it is to be."""
    assert Version.parse("0.10.0") > Version.parse("0.9.9")
    assert Version.parse("1.0.0rc1") == Version.parse("1.0.0.dev3") == Version(1, 0, 0)
    assert str(Version.parse(__version__)) == __version__


@pytest.mark.parametrize("text", ["", "1", "1.2", "v1.2.3", "1.2.x"])
def test_what_is_no_version_is_refused_with_an_example(text: str) -> None:
    """The message shows the form."""
    with pytest.raises(ValueError, match=r"is no version such as 1\.2\.3"):
        Version.parse(text)
