"""What shows and tests the whole way on one machine."""

from __future__ import annotations
