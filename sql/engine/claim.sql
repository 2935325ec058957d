-- does: gives a worker the jobs that are due, each to one worker only, with a new claim number
-- requires: engine/jobs_table

-- p_priorities and p_after: for each priority, the job behind which to begin; p_due_after: likewise for jobs that were
-- scheduled. All null: from the start of the queue. What was claimed stays in the indexes for as long as somebody's
-- transaction might still see it: a worker that knows how far it came need not step over it with every claim.
--
-- A session keeps the plan that it made while the queue was short. So no table is gone through, whatever seemed cheap.
create or replace function gtr_jobs.claim_jobs_after(
    p_queue text,
    p_worker_id bigint,
    p_limit integer,
    p_priorities integer[],
    p_after bigint[],
    p_due_after timestamptz
)
returns table (
    priority integer,
    due_at timestamptz,
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
set enable_seqscan = off
as $$
declare
    v_limit integer := least(p_limit, 1000);
    v_places tid[];
begin
    -- A worker that was given up for dead claims nothing until it registers anew.
    if not exists (select from procrastinate.procrastinate_workers as w where w.id = p_worker_id) then
        return;
    end if;
    -- Two ways in, an index each: jobs that fell due first (they have waited longest), then ready ones. A lock keeps a
    -- row at its place in the table until the claim is done.
    v_places := array(
        select j.ctid
        from procrastinate.procrastinate_jobs as j
        where
            j.queue_name = p_queue
            and j.status = 'todo'
            and j.scheduled_at is not null
            and j.scheduled_at > coalesce(p_due_after, '-infinity')
            and j.scheduled_at <= pg_catalog.now()
        order by j.scheduled_at
        limit v_limit
        for update skip locked
    );
    v_limit := v_limit - pg_catalog.cardinality(v_places);
    if p_priorities is null then
        v_places := v_places || array(
            select j.ctid
            from procrastinate.procrastinate_jobs as j
            where j.queue_name = p_queue and j.status = 'todo' and j.scheduled_at is null
            order by j.priority desc, j.id
            limit v_limit
            for update skip locked
        );
    else
        v_places := v_places || array(
            select r.place
            from (
                select
                    a.priority,
                    a.id
                from unnest(p_priorities, p_after) as a (priority, id)
                order by a.priority desc
            ) as f
            cross join lateral (
                select j.ctid as place
                from procrastinate.procrastinate_jobs as j
                where
                    j.queue_name = p_queue
                    and j.status = 'todo'
                    and j.scheduled_at is null
                    and j.priority = f.priority
                    and j.id > f.id
                order by j.priority desc, j.id
                limit v_limit
                for update skip locked
            ) as r
            limit v_limit
        );
    end if;

    return query
    with claimed as (
        update procrastinate.procrastinate_jobs as j
        set
            status = 'doing',
            worker_id = p_worker_id,
            claim_number = j.claim_number + 1
        where j.ctid = any(v_places)
        returning j.*
    )

    select
        c.priority,
        c.scheduled_at,
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

-- From the start of the queue.
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
language sql
security definer
set search_path = ''
as $$
    select
        c.job_id,
        c.kind,
        c.args,
        c.attempts,
        c.max_attempts,
        c.claim_number,
        c.lost_claims,
        c.enqueued_at,
        c.event_day,
        c.trace_id,
        c.age_seconds,
        c.waited_seconds
    from gtr_jobs.claim_jobs_after(p_queue, p_worker_id, p_limit, null, null, null) as c
$$;

revoke all on function gtr_jobs.claim_jobs_after(text, bigint, integer, integer[], bigint[], timestamptz)
    from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.claim_jobs(text, bigint, integer) from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.claim_jobs_after(text, bigint, integer, integer[], bigint[], timestamptz)
    to gtr_worker;
grant execute on function gtr_jobs.claim_jobs(text, bigint, integer) to gtr_worker;
