"""The whole way on one machine: a story played through the app's own SQL, and the phones that show it."""

from __future__ import annotations
