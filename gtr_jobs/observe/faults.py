"""Tells of faults in code without telling what the code worked on."""

from __future__ import annotations

import traceback
from pathlib import Path

MAX_PLACES = 8


def places_of(error: BaseException) -> list[str]:
    """Say where in the code an error arose, innermost first, and nothing of its text.

    An error's text often quotes what could not be read: the content of a row.
    """
    frames = traceback.extract_tb(error.__traceback__)
    return [
        f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames)
    ][:MAX_PLACES]
