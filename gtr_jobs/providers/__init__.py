"""Who carries a message to a phone: one provider a file, over one transport."""

from __future__ import annotations
