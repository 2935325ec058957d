"""What the daemon serves: health, readiness and metrics."""

from __future__ import annotations
