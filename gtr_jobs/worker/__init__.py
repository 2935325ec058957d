"""The daemon: signals, supervision and the loops beside the lanes."""

from __future__ import annotations
