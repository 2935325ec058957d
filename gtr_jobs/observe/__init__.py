"""What operators see: event names, logs, redaction, metrics, trace ids."""

from __future__ import annotations
