"""Pages for providers and people outside: every request is held against its signature before it is read."""

from __future__ import annotations
