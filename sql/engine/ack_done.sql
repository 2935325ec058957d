-- does: ends claimed jobs of which nothing is to be told but that they are done
-- requires: engine/jobs_table

-- The same law as in gtr_jobs.ack_jobs, for what most jobs bring: two numbers each, and no documents to read. Returns
-- the jobs that were still this claim's.
--
-- It is planned once a session: for a few jobs that would take longer than the rest. And a session keeps the plan that it
-- made while the queue was short: so no table is gone through, whatever seemed cheap.
create or replace function gtr_jobs.ack_done_jobs(
    p_worker_id bigint,
    p_job_ids bigint[],
    p_claim_numbers bigint[]
)
returns setof bigint
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
begin
    return query
    -- One by one, by number: a join would be free to read all that is being done.
    with held as (
        select j.place
        from unnest(p_job_ids, p_claim_numbers) as e (job_id, claim_number)
        cross join lateral (
            select q.ctid as place
            from procrastinate.procrastinate_jobs as q
            where
                q.id = e.job_id
                and q.status = 'doing'
                and q.worker_id = p_worker_id
                and q.claim_number = e.claim_number
            for update
        ) as j
    ),

    ended as (
        delete from procrastinate.procrastinate_jobs as j
        where j.ctid = any(array(select h.place from held as h))
        returning j.event_day, j.id, j.queue_name, j.task_name, j.attempts, j.trace_id, j.enqueued_at
    )

    insert into gtr_jobs.job_history as h (day, job_id, queue, kind, ended, attempts, trace_id, enqueued_at)
    select
        e.event_day,
        e.id,
        e.queue_name,
        e.task_name,
        'done',
        e.attempts + 1,
        e.trace_id,
        e.enqueued_at
    from ended as e
    returning h.job_id;
end
$$;

revoke all on function gtr_jobs.ack_done_jobs(bigint, bigint[], bigint[]) from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.ack_done_jobs(bigint, bigint[], bigint[]) to gtr_worker;
