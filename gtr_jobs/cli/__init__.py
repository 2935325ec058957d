"""The command line: one sub-app a file, and no SQL."""

from __future__ import annotations
