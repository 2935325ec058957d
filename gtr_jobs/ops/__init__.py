"""What operators read and do, behind the command line and the metrics alike."""

from __future__ import annotations
