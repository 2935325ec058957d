"""A Postgres-native job worker for Supabase apps."""

from __future__ import annotations

__version__ = "0.1.0"
