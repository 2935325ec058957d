"""The seam to procrastinate: claims, acks, lanes, wake-up and rescue."""

from __future__ import annotations
