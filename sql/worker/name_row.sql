-- does: names rows that we write after what they are about, so that one that is written twice is written once

-- A UUID of version 8 (RFC 9562): the first 16 bytes of the name's SHA-256, but for version and variant.
create or replace function gtr_jobs.name_row(p_name text)
returns uuid
language sql
immutable
set search_path = ''
as $$
    select pg_catalog.encode(
        pg_catalog.set_byte(
            pg_catalog.set_byte(named.hash, 6, pg_catalog.get_byte(named.hash, 6) & 15 | 128),
            8,
            pg_catalog.get_byte(named.hash, 8) & 63 | 128
        ),
        'hex'
    )::uuid
    from (
        select pg_catalog.substr(pg_catalog.sha256(pg_catalog.convert_to(p_name, 'UTF8')), 1, 16) as hash
    ) as named
$$;

revoke all on function gtr_jobs.name_row(text) from public, anon, authenticated, service_role;
