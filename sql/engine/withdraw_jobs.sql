-- does: takes waiting jobs out of the queue, because an operator wants them not to be done
-- requires: engine/jobs_table

-- What is being done is left alone: its worker may be sending. Returns the jobs that were withdrawn.
create or replace function gtr_jobs.withdraw_jobs(p_job_ids bigint[])
returns bigint[]
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_withdrawn bigint[];
    v_days date[];
begin
    with waiting as (
        select j.id
        from procrastinate.procrastinate_jobs as j
        where j.id = any(p_job_ids) and j.status = 'todo'
        order by j.id
        for update
    ),

    gone as (
        delete from procrastinate.procrastinate_jobs as j
        using waiting as w
        where j.id = w.id
        returning j.*
    ),

    remembered as (
        insert into gtr_jobs.job_history (day, job_id, queue, kind, ended, attempts, trace_id, enqueued_at)
        select
            g.event_day,
            g.id,
            g.queue_name,
            g.task_name,
            'cancelled',
            g.attempts,
            g.trace_id,
            g.enqueued_at
        from gone as g
    )

    select
        pg_catalog.array_agg(g.id order by g.id),
        pg_catalog.array_agg(distinct g.event_day)
    into v_withdrawn, v_days
    from gone as g;

    -- What waited for another attempt gets none. What may have been sent stays unknown.
    update gtr_jobs.deliveries as d
    set
        state = 'skipped',
        outcome = 'skipped',
        code = 'cancelled',
        updated_at = pg_catalog.now()
    where d.day = any(v_days) and d.job_id = any(v_withdrawn) and d.state = 'queued';
    return coalesce(v_withdrawn, '{}');
end
$$;

revoke all on function gtr_jobs.withdraw_jobs(bigint[]) from public, anon, authenticated, service_role;
