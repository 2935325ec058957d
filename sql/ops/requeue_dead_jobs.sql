-- does: lets operators try dead jobs again, without sending anything a second time

-- What a provider has not taken, and may take now: refused until somebody mended the cause, or given up when the job
-- died. A device that is gone stays gone. What was sent, skipped or too old stays settled.
create or replace function gtr_jobs.may_be_sent_again(p_state gtr_jobs.delivery_state, p_outcome gtr_jobs.outcome)
returns boolean
language sql
immutable
set search_path = ''
as $$
    select p_state = 'failed' and p_outcome in ('rejected', 'throttled', 'retry', 'misconfigured')
$$;

-- At most 1,000 jobs a call, in the order given, p_rate a second from p_delay seconds on. What is no longer dead, or of
-- a kind that is no longer known, is left out; the audit names those that were requeued.
create or replace function gtr_jobs.requeue_dead_jobs(
    p_job_ids bigint[],
    p_delay double precision,
    p_rate double precision,
    p_run_id uuid,
    p_actor text,
    p_reason text,
    p_wanted jsonb
)
returns table (requeued integer, deliveries integer)
language plpgsql
volatile
security definer
set search_path = ''
set lock_timeout = '5s'
as $$
declare
    v_causes jsonb;
    v_revived bigint[];
    v_days date[];
    v_deliveries integer;
begin
    if pg_catalog.cardinality(p_job_ids) > 1000 then
        raise exception 'more than 1000 jobs in one call' using errcode = 'invalid_parameter_value';
    end if;
    -- In one order, whoever else acts: nobody waits in a ring.
    perform from gtr_jobs.dead_jobs as d where d.job_id = any(p_job_ids) order by d.job_id for update;
    v_causes := gtr_jobs.count_causes(p_job_ids);
    select pg_catalog.array_agg(distinct d.event_day) into v_days
    from gtr_jobs.dead_jobs as d
    where d.job_id = any(p_job_ids);

    v_revived := gtr_jobs.revive_jobs(p_job_ids, p_delay, p_rate);
    update gtr_jobs.deliveries as d
    set state = 'queued', updated_at = pg_catalog.now()
    where
        d.day = any(v_days)
        and d.job_id = any(v_revived)
        and gtr_jobs.may_be_sent_again(d.state, d.outcome);
    get diagnostics v_deliveries = row_count;

    if v_revived <> '{}' then
        perform gtr_jobs.record_audit(
            p_run_id,
            p_actor,
            'requeue',
            p_reason,
            p_wanted,
            pg_catalog.jsonb_build_object('causes', v_causes, 'deliveries', v_deliveries),
            v_revived
        );
    end if;
    return query select pg_catalog.cardinality(v_revived), v_deliveries;
end
$$;

-- What dead jobs died of, for the audit: they are no longer dead, or no longer there, when it is read.
create or replace function gtr_jobs.count_causes(p_job_ids bigint[])
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    return (
        select coalesce(pg_catalog.jsonb_agg(pg_catalog.to_jsonb(c) order by c.jobs desc, c.fingerprint), '[]')
        from (
            select
                d.kind,
                d.code,
                d.fingerprint,
                pg_catalog.count(*) as jobs
            from gtr_jobs.dead_jobs as d
            where d.job_id = any(p_job_ids)
            group by d.kind, d.code, d.fingerprint
        ) as c
    );
end
$$;

revoke all on function gtr_jobs.may_be_sent_again(gtr_jobs.delivery_state, gtr_jobs.outcome)
    from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.requeue_dead_jobs(
    bigint[], double precision, double precision, uuid, text, text, jsonb
) from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.count_causes(bigint[]) from public, anon, authenticated, service_role;
