"""What a queue does: one queue a file."""

from __future__ import annotations
