-- does: says who is in a ramp or has a feature, by a hash that stays: the same person gets the same answer

-- A number from 0 to 9999 that only the ramp's name and the person decide: a ramp that grows keeps everybody it had.
-- gtr_jobs/domain/switches.py counts the same.
create or replace function gtr_jobs.ramp_place(p_scope text, p_name text, p_user_id uuid)
returns integer
language sql
immutable
set search_path = ''
as $$
    select (
        (
            pg_catalog.get_byte(named.hash, 0)::bigint * 16777216
            + pg_catalog.get_byte(named.hash, 1) * 65536
            + pg_catalog.get_byte(named.hash, 2) * 256
            + pg_catalog.get_byte(named.hash, 3)
        ) * 10000 / 4294967296
    )::integer
    from (
        select pg_catalog.sha256(
            pg_catalog.convert_to(p_scope || '/' || p_name || '/' || p_user_id, 'UTF8')
        ) as hash
    ) as named
$$;

-- A kind without a ramp is for everybody, a feature without one for nobody. Test users are in every ramp.
create or replace function gtr_jobs.is_in_ramp(p_scope text, p_name text, p_user_id uuid)
returns boolean
language sql
stable
security definer
set search_path = ''
as $$
    select coalesce(
        (
            select
                gtr_jobs.ramp_place(p_scope, p_name, p_user_id) < r.amount * 100
                or exists (
                    select from gtr_jobs.switches as t
                    where
                        t.lever = 'test_user'
                        and t.scope = 'user'
                        and t.name = p_user_id::text
                        and (t.expires_at is null or t.expires_at > pg_catalog.clock_timestamp())
                )
            from gtr_jobs.switches as r
            where
                r.lever = 'ramp'
                and r.scope = p_scope
                and r.name = p_name
                and (r.expires_at is null or r.expires_at > pg_catalog.clock_timestamp())
                and p_user_id is not null
        ),
        p_scope = 'kind'
        and not exists (
            select from gtr_jobs.switches as r
            where
                r.lever = 'ramp'
                and r.scope = p_scope
                and r.name = p_name
                and (r.expires_at is null or r.expires_at > pg_catalog.clock_timestamp())
        )
    )
$$;

create or replace function gtr_jobs.is_feature_on(p_feature text, p_user_id uuid)
returns boolean
language sql
stable
security definer
set search_path = ''
as $$
    select gtr_jobs.is_in_ramp('feature', p_feature, p_user_id)
$$;

revoke all on function gtr_jobs.ramp_place(text, text, uuid) from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.is_in_ramp(text, text, uuid) from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.is_feature_on(text, uuid) from public, anon, authenticated, service_role;
