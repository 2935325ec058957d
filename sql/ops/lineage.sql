-- does: tells operators why sending is paused, and lets it go on when they say so

-- What stands in the book beside what is so; no row before the first worker came.
create or replace function gtr_jobs.read_lineage()
returns table (
    paused_since timestamptz,
    reasons text[],
    timeline_was integer,
    timeline integer,
    checked_at timestamptz
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
        s.timeline,
        l.checked_at
    from gtr_jobs.lineage as l
    cross join gtr_jobs.read_server() as s;
end
$$;

-- An operator has seen to it: what is so now is right. The pulse goes beyond what any worker remembers: counted by the
-- clock once, and one by one after that. Returns why sending was paused; nothing where it was not.
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
begin
    -- No worker may have looked since the database was put back.
    perform gtr_jobs.check_lineage(null);
    select * into v_here from gtr_jobs.read_server();
    select l.* into v_known from gtr_jobs.lineage as l where l.only_row for update;
    if v_known.paused_since is null then
        return '{}';
    end if;
    update gtr_jobs.lineage as l
    set
        server = v_here.server,
        database_oid = v_here.database_oid,
        timeline = v_here.timeline,
        pulse = 1 + greatest(
            l.pulse, (extract(epoch from pg_catalog.clock_timestamp()) * 1000000)::bigint
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
            'reasons', v_known.reasons,
            'paused_since', v_known.paused_since,
            'timeline_was', v_known.timeline,
            'timeline', v_here.timeline
        ),
        '{}'
    );
    return v_known.reasons;
end
$$;

revoke all on function gtr_jobs.read_lineage() from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.acknowledge_lineage(uuid, text, text, jsonb)
    from public, anon, authenticated, service_role;
