-- does: gives a worker the jobs that are due, each to one worker only, with a new claim number
-- requires: engine/jobs_table

create or replace function gtr_jobs.claim_jobs(p_queue text, p_worker_id bigint, p_limit integer)
returns table (
    job_id bigint,
    kind text,
    args jsonb,
    attempts integer,
    max_attempts integer,
    claim_number bigint,
    lost_claims integer,
    enqueued_at timestamptz,
    event_day date,
    trace_id text,
    age_seconds double precision,
    waited_seconds double precision
)
language plpgsql
security definer
set search_path = ''
as $$
begin
    -- A worker that was given up for dead claims nothing until it registers anew.
    if not exists (select from procrastinate.procrastinate_workers as w where w.id = p_worker_id) then
        return;
    end if;
    return query
    -- Two ways in, an index each: jobs that fell due first (they have waited longest), then ready ones. They are
    -- updated by their place in the table, which their lock keeps, and are not looked up a second time. Who was moved
    -- since this statement began is not seen at its new place, and is left for the next claim.
    with due as (
        select j.ctid as place
        from procrastinate.procrastinate_jobs as j
        where
            j.queue_name = p_queue
            and j.status = 'todo'
            and j.scheduled_at is not null
            and j.scheduled_at <= pg_catalog.now()
        order by j.scheduled_at
        limit least(p_limit, 1000)
        for update skip locked
    ),

    ready as (
        select j.ctid as place
        from procrastinate.procrastinate_jobs as j
        where j.queue_name = p_queue and j.status = 'todo' and j.scheduled_at is null
        order by j.priority desc, j.id
        limit least(p_limit, 1000) - (select pg_catalog.count(*) from due)
        for update skip locked
    ),

    claimed as (
        update procrastinate.procrastinate_jobs as j
        set
            status = 'doing',
            worker_id = p_worker_id,
            claim_number = j.claim_number + 1
        where j.ctid = any(array(select due.place from due union all select ready.place from ready))
        returning j.*
    )

    select
        c.id,
        c.task_name::text,
        c.args,
        c.attempts,
        coalesce(k.max_attempts, 1),
        c.claim_number,
        c.lost_claims,
        c.enqueued_at,
        c.event_day,
        c.trace_id,
        -- By the clock of the database alone: a worker's may be wrong.
        extract(epoch from pg_catalog.clock_timestamp() - c.enqueued_at)::double precision,
        extract(
            epoch from pg_catalog.clock_timestamp() - greatest(c.enqueued_at, c.scheduled_at)
        )::double precision
    from claimed as c
    left join gtr_jobs.job_kinds as k on k.kind = c.task_name
    order by c.priority desc, c.id;
end
$$;

revoke all on function gtr_jobs.claim_jobs(text, bigint, integer) from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.claim_jobs(text, bigint, integer) to gtr_worker;
