"""What the rows of garage's app cause."""

from __future__ import annotations
