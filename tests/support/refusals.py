"""What an RPC refuses, as the API would answer it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest


@contextmanager
def refused(status: int, code: str) -> Iterator[None]:
    """Expect an RPC to answer a status and a code, with a sentence and what to do about it."""
    with pytest.raises(psycopg.Error) as caught:
        yield
    diagnostics = caught.value.diag
    assert (caught.value.sqlstate, diagnostics.message_detail) == (f"PT{status}", code)
    assert diagnostics.message_primary
    assert diagnostics.message_hint
