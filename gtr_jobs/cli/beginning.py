"""How a process of ours begins."""

from __future__ import annotations

import gc

# Objects made and not freed before cycles among them are looked for.
_OBJECTS = 50_000


def begin() -> None:
    """Load what is loaded from here on without looking it through for garbage again and again.

    It stays, all of it. With Python's 700 objects a tenth of a start goes into that. A worker sets a number of its own
    when it is ready; what serves pages and what commands make is little, and is looked through as seldom as this.
    """
    gc.set_threshold(_OBJECTS)
