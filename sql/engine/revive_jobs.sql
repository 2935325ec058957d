-- does: puts dead jobs back into the queue, as the same jobs, with all their attempts before them
-- requires: engine/jobs_table

-- No new event: the job keeps its id, its day and its age. So it meets its own deliveries in the ledger, what is too
-- old is still not sent, and what one of its earlier claims may have sent is known. Jobs fall due one after another,
-- p_rate a second, the first in p_delay seconds. Kinds that are no longer known stay dead. Returns the jobs that live.
create or replace function gtr_jobs.revive_jobs(p_job_ids bigint[], p_delay double precision, p_rate double precision)
returns bigint[]
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_revived bigint[];
    v_days date[];
begin
    with risen as (
        delete from gtr_jobs.dead_jobs as d
        using
            unnest(p_job_ids) with ordinality as w (job_id, place),
            gtr_jobs.job_kinds as k
        where d.job_id = w.job_id and k.kind = d.kind
        returning d.*, w.place, k.queue as queue_now, k.priority
    ),

    queued as (
        insert into procrastinate.procrastinate_jobs (
            id, queue_name, task_name, priority, args, scheduled_at, claim_number, lost_claims, enqueued_at,
            event_day, trace_id
        )
        select
            r.job_id,
            r.queue_now,
            r.kind,
            r.priority,
            r.args,
            -- Never without a time: it has waited since now, not since its event.
            pg_catalog.now() + pg_catalog.make_interval(secs => p_delay + (r.place - 1) / p_rate),
            -- At least one: a job that ran before looks into the ledger before it sends.
            greatest(r.claim_number, 1),
            r.lost_claims,
            r.enqueued_at,
            r.event_day,
            r.trace_id
        from risen as r
        returning procrastinate_jobs.id, procrastinate_jobs.event_day
    )

    select
        pg_catalog.array_agg(q.id order by q.id),
        pg_catalog.array_agg(distinct q.event_day)
    into v_revived, v_days
    from queued as q;

    -- It has not ended after all, and its end is written under the same name.
    delete from gtr_jobs.job_history as h
    where h.day = any(v_days) and h.job_id = any(v_revived);
    return coalesce(v_revived, '{}');
end
$$;

revoke all on function gtr_jobs.revive_jobs(bigint[], double precision, double precision)
    from public, anon, authenticated, service_role;
