"""gtr_jobs.name_row(): the same name is the same row."""

from __future__ import annotations

import hashlib
from uuid import RFC_4122, UUID

import pytest
from psycopg import AsyncConnection
from support.jobs import fetch_value


@pytest.mark.parametrize("name", ["", "message/1", "é" * 1000])
async def test_a_name_is_a_uuid_of_version_8(admin: AsyncConnection, name: str) -> None:
    """The first bytes of its SHA-256, with the version and variant of RFC 9562, as readers check them."""
    found: UUID = await fetch_value(admin, "select gtr_jobs.name_row(%s)", name)
    digest = bytearray(hashlib.sha256(name.encode()).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    assert found == UUID(bytes=bytes(digest))
    assert (found.version, found.variant) == (8, RFC_4122)
