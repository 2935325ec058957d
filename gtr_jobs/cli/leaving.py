"""How a process of ours ends."""

from __future__ import annotations

import os
import sys
from typing import NoReturn


def leave(code: int | str | None) -> NoReturn:
    """End the process with an exit code, after all that it wrote has gone out.

    The threads of the HTTP client may still let go of an object of Python's. An interpreter that is
    taking itself apart ends the whole process for that (SIGABRT), whatever its exit code was to be:
    where that client was loaded, nothing is taken apart.
    """
    if "pyreqwest" in sys.modules and (code is None or isinstance(code, int)):
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        os._exit(code or 0)
    sys.exit(code)
