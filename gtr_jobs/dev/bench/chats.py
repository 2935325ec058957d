"""The people whose chat messages are measured: as many pairs as do not wait for each other."""

from __future__ import annotations

from gtr_jobs.dev.bench.rig import BenchDatabase

PAIRS = 1000
_PEOPLE = """
    insert into auth.users (id, aud, role, email, email_confirmed_at, created_at, updated_at)
    select
        lpad(to_hex(n), 32, '0')::uuid, 'authenticated', 'authenticated', n || '@example.test', now(), now(), now()
    from generate_series(1, 2 * %(pairs)s) as n
"""
_CONVERSATIONS = """
    insert into public.conversations (id, user1_id, user2_id)
    select
        ('c' || lpad(to_hex(n), 31, '0'))::uuid, lpad(to_hex(n), 32, '0')::uuid,
        lpad(to_hex(n + %(pairs)s), 32, '0')::uuid
    from generate_series(1, %(pairs)s) as n
"""


def put_chats(database: BenchDatabase) -> None:
    """Make `PAIRS` pairs of people, numbered from 1, each pair with a conversation."""
    for statement in (_PEOPLE, _CONVERSATIONS):
        database.connection.execute(statement.encode(), {"pairs": PAIRS})
