-- does: lets operators take dead jobs off the list for good

-- At most 1,000 jobs a call. The history still says that they died, the audit who discarded them.
create or replace function gtr_jobs.discard_dead_jobs(
    p_job_ids bigint[],
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
    v_causes jsonb;
    v_discarded bigint[];
    v_days date[];
begin
    if pg_catalog.cardinality(p_job_ids) > 1000 then
        raise exception 'more than 1000 jobs in one call' using errcode = 'invalid_parameter_value';
    end if;
    perform from gtr_jobs.dead_jobs as d where d.job_id = any(p_job_ids) order by d.job_id for update;
    v_causes := gtr_jobs.count_causes(p_job_ids);
    with gone as (
        delete from gtr_jobs.dead_jobs as d
        where d.job_id = any(p_job_ids)
        returning d.job_id, d.event_day
    )

    select
        pg_catalog.array_agg(g.job_id order by g.job_id),
        pg_catalog.array_agg(distinct g.event_day)
    into v_discarded, v_days
    from gone as g;
    if v_discarded is null then
        return 0;
    end if;

    -- Nothing waits for a job that is gone. What may have been sent stays unknown.
    update gtr_jobs.deliveries as d
    set
        state = 'skipped',
        outcome = 'skipped',
        code = 'discarded',
        updated_at = pg_catalog.now()
    where d.day = any(v_days) and d.job_id = any(v_discarded) and d.state = 'queued';

    -- And an operator has seen it.
    update gtr_jobs.outgoing as o
    set data = null, settled_at = pg_catalog.now()
    from gtr_jobs.deliveries as d
    where
        d.day = any(v_days)
        and d.job_id = any(v_discarded)
        and d.channel in ('sms', 'email')
        and o.delivery_id = d.dedupe_key
        and o.settled_at is null;

    perform gtr_jobs.record_audit(
        p_run_id,
        p_actor,
        'discard',
        p_reason,
        p_wanted,
        pg_catalog.jsonb_build_object('causes', v_causes),
        v_discarded
    );
    return pg_catalog.cardinality(v_discarded);
end
$$;

revoke all on function gtr_jobs.discard_dead_jobs(bigint[], uuid, text, text, jsonb)
    from public, anon, authenticated, service_role;
