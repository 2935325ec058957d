"""Where Python meets SQL: the pool, the migrations and one module an aggregate."""

from __future__ import annotations
