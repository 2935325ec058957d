"""What is done in queues of the app's own: one queue a file."""

from __future__ import annotations
