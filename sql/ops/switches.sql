-- does: lets operators pause, limit and ramp, and shows what they switched
-- requires: ops/audit

-- Sets a switch, or sets it anew; p_seconds until it expires, null for never. Returns when it does. At most 5,000.
create or replace function gtr_jobs.set_switch(
    p_lever text,
    p_scope text,
    p_name text,
    p_key_argument text,
    p_amount numeric,
    p_seconds double precision,
    p_run_id uuid,
    p_actor text,
    p_reason text,
    p_wanted jsonb
)
returns timestamptz
language plpgsql
volatile
security definer
set search_path = ''
set lock_timeout = '5s'
as $$
declare
    v_expires_at timestamptz := pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => p_seconds);
begin
    -- What expired a day ago is of interest to nobody: the audit still has it.
    delete from gtr_jobs.switches as s where s.expires_at < pg_catalog.now() - interval '1 day';
    if (select pg_catalog.count(*) from gtr_jobs.switches) >= 5000 then
        raise exception 'more than 5000 switches' using errcode = 'program_limit_exceeded';
    end if;
    insert into gtr_jobs.switches as known (
        lever, scope, name, key_argument, amount, reason, set_by, expires_at
    )
    values (p_lever, p_scope, p_name, p_key_argument, p_amount, p_reason, p_actor, v_expires_at)
    on conflict (lever, scope, name, key_argument) do update
        set
            amount = excluded.amount,
            reason = excluded.reason,
            set_by = excluded.set_by,
            set_at = excluded.set_at,
            expires_at = excluded.expires_at;
    perform gtr_jobs.record_audit(
        p_run_id,
        p_actor,
        'set ' || p_lever,
        p_reason,
        p_wanted,
        pg_catalog.jsonb_build_object('expires_at', v_expires_at),
        '{}'
    );
    return v_expires_at;
end
$$;

-- Takes a switch away. Returns whether it was set, and had not expired.
create or replace function gtr_jobs.clear_switch(
    p_lever text,
    p_scope text,
    p_name text,
    p_key_argument text,
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
    v_amount numeric;
    v_was_set boolean;
begin
    delete from gtr_jobs.switches as s
    where s.lever = p_lever and s.scope = p_scope and s.name = p_name and s.key_argument = p_key_argument
    returning s.amount, s.expires_at is null or s.expires_at > pg_catalog.clock_timestamp()
    into v_amount, v_was_set;
    if v_was_set is not true then
        return false;
    end if;
    perform gtr_jobs.record_audit(
        p_run_id,
        p_actor,
        'clear ' || p_lever,
        p_reason,
        p_wanted,
        pg_catalog.jsonb_build_object('amount', v_amount),
        '{}'
    );
    return true;
end
$$;

-- What is switched now; jobs: how many a pause has set aside, a count that stops at 10,000.
create or replace function gtr_jobs.list_switches()
returns table (
    lever text,
    scope text,
    name text,
    key_argument text,
    amount numeric,
    reason text,
    set_by text,
    set_at timestamptz,
    expires_at timestamptz,
    jobs bigint
)
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    return query
    select
        s.lever,
        s.scope,
        s.name,
        s.key_argument,
        s.amount,
        s.reason,
        s.set_by,
        s.set_at,
        s.expires_at,
        case when s.lever = 'pause' then (
            select pg_catalog.count(*)
            from (
                select from gtr_jobs.held_jobs as h
                where h.scope = s.scope and h.name = s.name
                order by h.job_id
                limit 10000
            ) as few
        ) end
    from gtr_jobs.switches as s
    where s.expires_at is null or s.expires_at > pg_catalog.clock_timestamp()
    order by s.lever, s.scope, s.name, s.key_argument
    limit 10000;
end
$$;

revoke all on function gtr_jobs.set_switch(
    text, text, text, text, numeric, double precision, uuid, text, text, jsonb
) from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.clear_switch(text, text, text, text, uuid, text, text, jsonb)
    from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.list_switches() from public, anon, authenticated, service_role;
