"""Acting as PostgREST does for somebody who calls the API.

Each of these opens a transaction and sets in it, for it alone, what PostgREST sets: the role with its
settings, the claims of the caller's token, and what came with the request. A connection of the role
authenticator may do no more than PostgREST may; one of postgres works as well.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

_NO_HEADERS: Mapping[str, str] = {}

_ROLE_SETTINGS = """
    select pg_catalog.set_config(split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1), true)
    from pg_catalog.pg_roles, unnest(rolconfig) as setting
    where rolname = %s
"""
_REQUEST = """
    select
        pg_catalog.set_config('search_path', '"public", "extensions"', true),
        pg_catalog.set_config('role', %(role)s, true),
        pg_catalog.set_config('request.jwt.claims', %(claims)s, true),
        pg_catalog.set_config('request.method', %(method)s, true),
        pg_catalog.set_config('request.path', %(path)s, true),
        pg_catalog.set_config('request.headers', %(headers)s, true),
        pg_catalog.set_config('request.cookies', '{}', true)
"""


@asynccontextmanager
async def as_user(
    connection: AsyncConnection,
    user_id: UUID,
    *,
    headers: Mapping[str, str] = _NO_HEADERS,
    method: str = "POST",
    path: str = "/",
) -> AsyncIterator[AsyncConnection]:
    """Act as somebody who is signed in; the statements are one transaction."""
    claims = {"sub": str(user_id), "role": "authenticated", "aud": "authenticated"}
    async with _as_role(connection, "authenticated", claims, headers, method, path):
        yield connection


@asynccontextmanager
async def as_anon(
    connection: AsyncConnection,
    *,
    headers: Mapping[str, str] = _NO_HEADERS,
    method: str = "POST",
    path: str = "/",
) -> AsyncIterator[AsyncConnection]:
    """Act as anybody who has the app's public key; the statements are one transaction."""
    async with _as_role(connection, "anon", {"role": "anon"}, headers, method, path):
        yield connection


@asynccontextmanager
async def as_service_role(
    connection: AsyncConnection,
    *,
    headers: Mapping[str, str] = _NO_HEADERS,
    method: str = "POST",
    path: str = "/",
) -> AsyncIterator[AsyncConnection]:
    """Act as a program of the project's own, with its secret key; the statements are one transaction."""
    async with _as_role(
        connection, "service_role", {"role": "service_role"}, headers, method, path
    ):
        yield connection


@asynccontextmanager
async def _as_role(
    connection: AsyncConnection,
    role: str,
    claims: dict[str, Any],
    headers: Mapping[str, str],
    method: str,
    path: str,
) -> AsyncIterator[None]:
    async with connection.transaction():
        await connection.execute(_ROLE_SETTINGS, (role,))
        await connection.execute(
            _REQUEST,
            {
                "role": role,
                "claims": json.dumps(claims),
                "method": method,
                "path": path,
                "headers": json.dumps({name.lower(): value for name, value in headers.items()}),
            },
        )
        yield
