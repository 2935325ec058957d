-- does: lists the jobs of the queues for operators, those first that are done or would be done next
-- requires: engine/jobs_view

-- p_state: doing, ready or scheduled. Every part is read in the order of an index, and no further than wanted.
create or replace function gtr_jobs.list_jobs(p_queue text, p_kind text, p_state text, p_limit integer)
returns table (
    job_id bigint,
    queue text,
    kind text,
    state text,
    attempts integer,
    max_attempts integer,
    priority integer,
    worker_id bigint,
    scheduled_at timestamptz,
    enqueued_at timestamptz,
    trace_id text
)
language plpgsql
stable
security definer
set search_path = ''
set plan_cache_mode = 'force_custom_plan'
as $$
declare
    v_limit integer := least(p_limit, 1000);
begin
    return query
    with doing as (
        select j.*
        from gtr_jobs.jobs as j
        where
            j.status = 'doing'
            and coalesce(p_state, 'doing') = 'doing'
            and (p_queue is null or j.queue = p_queue)
            and (p_kind is null or j.kind = p_kind)
        order by j.job_id
        limit v_limit
    ),

    -- A kind has one queue: jobs of a kind that has moved since are found by naming the queue.
    queues as (
        select distinct k.queue
        from gtr_jobs.job_kinds as k
        where
            (p_queue is null or k.queue = p_queue)
            and (p_queue is not null or p_kind is null or k.kind = p_kind)
    ),

    ready as (
        select found.*
        from queues as q
        cross join lateral (
            select j.*
            from gtr_jobs.jobs as j
            where
                j.queue = q.queue
                and j.status = 'todo'
                and j.scheduled_at is null
                and coalesce(p_state, 'ready') = 'ready'
                and (p_kind is null or j.kind = p_kind)
            order by j.priority desc, j.job_id
            limit v_limit
        ) as found
    ),

    scheduled as (
        select found.*
        from queues as q
        cross join lateral (
            select j.*
            from gtr_jobs.jobs as j
            where
                j.queue = q.queue
                and j.status = 'todo'
                and j.scheduled_at is not null
                and coalesce(p_state, 'scheduled') = 'scheduled'
                and (p_kind is null or j.kind = p_kind)
            order by j.scheduled_at
            limit v_limit
        ) as found
    )

    select
        found.job_id,
        found.queue,
        found.kind,
        found.state,
        found.attempts,
        k.max_attempts,
        found.priority,
        found.worker_id,
        found.scheduled_at,
        found.enqueued_at,
        found.trace_id
    from (
        select d.*, 'doing' as state, 1 as place from doing as d
        union all
        select r.*, 'ready' as state, 2 as place from ready as r
        union all
        select s.*, 'scheduled' as state, 3 as place from scheduled as s
    ) as found
    left join gtr_jobs.job_kinds as k on k.kind = found.kind
    order by found.place asc, found.scheduled_at asc, found.priority desc, found.job_id asc
    limit v_limit;
end
$$;

-- Every kind that is known, and those that have dead jobs and are no longer known.
create or replace function gtr_jobs.list_kinds()
returns table (kind text, queue text)
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    return query
    with recursive died (kind) as (
        (
            select d.kind
            from gtr_jobs.dead_jobs as d
            order by d.kind
            limit 1
        )
        union all
        select later.kind
        from died as f
        cross join lateral (
            select d.kind
            from gtr_jobs.dead_jobs as d
            where d.kind > f.kind
            order by d.kind
            limit 1
        ) as later
    )

    select
        k.kind,
        k.queue
    from gtr_jobs.job_kinds as k
    union all
    select
        f.kind,
        null
    from died as f
    where not exists (select from gtr_jobs.job_kinds as k where k.kind = f.kind)
    limit 10000;
end
$$;

revoke all on function gtr_jobs.list_jobs(text, text, text, integer)
    from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.list_kinds() from public, anon, authenticated, service_role;
