"""What SMS and e-mails say: files by kind, channel and locale, looked over when they are read."""

from __future__ import annotations
