-- does: lets operators see whom nothing is sent to and why, add to it and take from it; and try the way to one address
-- requires: ops/audit

-- The newest first, at most 1,000; with an address only its own. address is the beginning of its hash: the address
-- itself is not known here.
create or replace function gtr_jobs.list_suppressions(p_channel text, p_address text, p_limit integer)
returns table (channel text, address text, reason text, source text, since timestamptz)
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    v_hash constant bytea := gtr_jobs.hash_address(p_channel, p_address);
begin
    return query
    select
        s.channel,
        gtr_jobs.name_address(s.address_hash),
        s.reason,
        s.source,
        s.since
    from gtr_jobs.suppressions as s
    where
        (p_channel is null or s.channel = p_channel)
        and (p_address is null or s.address_hash = v_hash)
    order by s.since desc, s.address_hash
    limit least(p_limit, 1000);
end
$$;

-- Returns whether it is new. The audit has the hash.
create or replace function gtr_jobs.add_suppression(
    p_channel text,
    p_address text,
    p_run_id uuid,
    p_actor text,
    p_reason text,
    p_wanted jsonb
)
returns boolean
language plpgsql
volatile
security definer
set search_path = ''
set lock_timeout = '5s'
as $$
declare
    v_is_new constant boolean := gtr_jobs.suppress_address(p_channel, p_address, 'operator', 'operator');
begin
    perform gtr_jobs.record_audit(
        p_run_id, p_actor, 'suppress', p_reason, p_wanted,
        pg_catalog.jsonb_build_object(
            'channel', p_channel,
            'address', gtr_jobs.name_address(gtr_jobs.hash_address(p_channel, p_address)),
            'is_new', v_is_new
        ),
        '{}'
    );
    return v_is_new;
end
$$;

-- Ends all reasons, or one; returns how many ended.
create or replace function gtr_jobs.remove_suppressions(
    p_channel text,
    p_address text,
    p_only text,
    p_run_id uuid,
    p_actor text,
    p_reason text,
    p_wanted jsonb
)
returns integer
language plpgsql
volatile
security definer
set search_path = ''
set lock_timeout = '5s'
as $$
declare
    v_ended constant integer := gtr_jobs.unsuppress_address(p_channel, p_address, p_only);
begin
    perform gtr_jobs.record_audit(
        p_run_id, p_actor, 'unsuppress', p_reason, p_wanted,
        pg_catalog.jsonb_build_object(
            'channel', p_channel,
            'address', gtr_jobs.name_address(gtr_jobs.hash_address(p_channel, p_address)),
            'ended', v_ended
        ),
        '{}'
    );
    return v_ended;
end
$$;

-- Written before a test is sent. Returns why nothing is sent to the address; null where it may be.
create or replace function gtr_jobs.note_message_test(
    p_channel text,
    p_address text,
    p_run_id uuid,
    p_actor text,
    p_reason text,
    p_wanted jsonb
)
returns text
language plpgsql
volatile
security definer
set search_path = ''
set lock_timeout = '5s'
as $$
declare
    v_hash constant bytea := gtr_jobs.hash_address(p_channel, p_address);
    v_refusal text;
begin
    select s.reason into v_refusal
    from gtr_jobs.suppressions as s
    where s.channel = p_channel and s.address_hash = v_hash
    order by s.since
    limit 1;
    perform gtr_jobs.record_audit(
        p_run_id, p_actor, p_channel || '_test', p_reason, p_wanted,
        pg_catalog.jsonb_build_object('address', gtr_jobs.name_address(v_hash), 'refusal', v_refusal),
        '{}'
    );
    return v_refusal;
end
$$;

revoke all on function gtr_jobs.list_suppressions(text, text, integer)
    from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.add_suppression(text, text, uuid, text, text, jsonb)
    from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.remove_suppressions(text, text, text, uuid, text, text, jsonb)
    from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.note_message_test(text, text, uuid, text, text, jsonb)
    from public, anon, authenticated, service_role;
