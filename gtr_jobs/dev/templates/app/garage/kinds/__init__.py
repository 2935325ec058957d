"""What people are told: one kind of notification a file."""

from __future__ import annotations
