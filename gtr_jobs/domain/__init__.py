"""What things mean: pure values and rules, with no input or output."""

from __future__ import annotations
