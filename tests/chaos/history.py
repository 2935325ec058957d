"""What happened in a scene, a JSON line each, for whoever reads why it failed."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any


class History:
    """Appends to a file; seconds are counted from its beginning.

    Args:
        file: Where; a file of an earlier run is written over.
    """

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        # Line by line, so that a run that is killed tells how far it came.
        self._stream = file.open("w", encoding="utf-8", buffering=1)
        self._began = time.monotonic()
        self.file = file

    def note(self, what: str, **values: Any) -> None:
        """Write one line: when, what, and with which values."""
        line = {"at": round(time.monotonic() - self._began, 3), "what": what, **values}
        self._stream.write(json.dumps(line, default=str) + "\n")

    def close(self) -> None:
        """Be done with it."""
        self._stream.close()
