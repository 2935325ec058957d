"""Versions of the package, compared as numbers."""

from __future__ import annotations

import re
from typing import NamedTuple, Self

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:[-+.a-z].*)?")


class Version(NamedTuple):
    """A released version: major, minor, patch. What follows them (`rc1`, `.dev0`) does not count."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `1.2.3`.

        Raises:
            ValueError: The text is no version.
        """
        match = _VERSION.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is no version such as 1.2.3")
        return cls(*(int(part) for part in match.groups()))

    def __str__(self) -> str:
        return ".".join(str(part) for part in self)
