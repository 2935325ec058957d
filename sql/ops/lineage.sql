-- does: tells operators why sending is paused, and lets it go on when they say so

-- What stands in the book beside what is so; no row before the first worker came.
create or replace function gtr_jobs.read_lineage()
returns table (
    paused_since timestamptz,
    reasons text[],
    timeline_was integer,
    timeline integer
)
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
    return query
    select
        l.paused_since,
        l.reasons,
        l.timeline,
        s.timeline
    from gtr_jobs.lineage as l
    cross join gtr_jobs.read_server() as s;
end
$$;

-- An operator has seen to it: what is so now is right. Pulses go beyond what any worker remembers: counted by the clock
-- once, and one by one after that. Returns why sending was paused; nothing where it was not.
create or replace function gtr_jobs.acknowledge_lineage(
    p_run_id uuid,
    p_actor text,
    p_reason text,
    p_wanted jsonb
)
returns text[]
language plpgsql
volatile
security definer
set search_path = ''
set lock_timeout = '5s'
as $$
declare
    v_here record;
    v_known gtr_jobs.lineage%rowtype;
    v_reasons text[];
begin
    select * into v_here from gtr_jobs.read_server();
    select l.* into v_known from gtr_jobs.lineage as l where l.only_row for update;
    -- It may be that no worker has looked since the database was put back.
    v_reasons := array(
        select distinct r.reason
        from (
            select unnest(v_known.reasons) as reason
            union all
            select 'server' where v_known.server <> v_here.server and '' not in (v_known.server, v_here.server)
            union all
            select 'database' where v_known.database_oid <> v_here.database_oid
            union all
            select 'timeline' where v_known.timeline <> v_here.timeline
        ) as r
        order by r.reason
    );
    if v_reasons = '{}' then
        return '{}';
    end if;
    update gtr_jobs.lineage as l
    set
        server = v_here.server,
        database_oid = v_here.database_oid,
        timeline = v_here.timeline,
        pulse_floor = greatest(
            l.pulse_floor + 1, (extract(epoch from pg_catalog.clock_timestamp()) * 1000000)::bigint
        ),
        paused_since = null,
        reasons = '{}'
    where l.only_row;
    perform gtr_jobs.record_audit(
        p_run_id,
        p_actor,
        'resume',
        p_reason,
        p_wanted,
        pg_catalog.jsonb_build_object(
            'reasons', v_reasons,
            'paused_since', v_known.paused_since,
            'timeline_was', v_known.timeline,
            'timeline', v_here.timeline
        ),
        '{}'
    );
    return v_reasons;
end
$$;

revoke all on function gtr_jobs.read_lineage() from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.acknowledge_lineage(uuid, text, text, jsonb)
    from public, anon, authenticated, service_role;
