-- does: shows how much waits in each queue and for how long, for operators, metrics and readiness
-- requires: engine/jobs_view

-- Counts stop at 10,000 a queue: a gauge that says "very many" is worth more than one that takes seconds.
-- The order is an index's: without it the planner reads whole tables in the hope of finding enough rows early.
create or replace function gtr_jobs.read_queue_depth()
returns table (
    queue text,
    ready bigint,
    scheduled bigint,
    doing bigint,
    dead bigint,
    oldest_due_seconds double precision
)
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    return query
    select
        q.queue,
        waiting.ready,
        waiting.scheduled,
        waiting.doing,
        waiting.dead,
        coalesce(extract(epoch from pg_catalog.now() - waiting.oldest_due), 0)::double precision
    from (select distinct k.queue from gtr_jobs.job_kinds as k) as q
    cross join lateral (
        select
            (
                select pg_catalog.count(*)
                from (
                    select from gtr_jobs.jobs as j
                    where j.queue = q.queue and j.status = 'todo' and j.scheduled_at is null
                    order by j.priority desc, j.job_id
                    limit 10000
                ) as few
            ) as ready,
            (
                select pg_catalog.count(*)
                from (
                    select from gtr_jobs.jobs as j
                    where j.queue = q.queue and j.status = 'todo' and j.scheduled_at is not null
                    order by j.scheduled_at
                    limit 10000
                ) as few
            ) as scheduled,
            (
                select pg_catalog.count(*)
                from gtr_jobs.jobs as j
                where j.status = 'doing' and j.queue = q.queue
            ) as doing,
            (
                select pg_catalog.count(*)
                from (
                    select from gtr_jobs.dead_jobs as d
                    where d.queue = q.queue
                    order by d.died_at
                    limit 10000
                ) as few
            ) as dead,
            least(
                (
                    -- The first of every priority: one that never gets its turn is what this is there to show.
                    with recursive firsts as (
                        (
                            select
                                j.priority,
                                j.enqueued_at
                            from gtr_jobs.jobs as j
                            where j.queue = q.queue and j.status = 'todo' and j.scheduled_at is null
                            order by j.priority desc, j.job_id
                            limit 1
                        )
                        union all
                        select
                            below.priority,
                            below.enqueued_at
                        from firsts as f
                        cross join lateral (
                            select
                                j.priority,
                                j.enqueued_at
                            from gtr_jobs.jobs as j
                            where
                                j.queue = q.queue
                                and j.status = 'todo'
                                and j.scheduled_at is null
                                and j.priority < f.priority
                            order by j.priority desc, j.job_id
                            limit 1
                        ) as below
                    )

                    select min(f.enqueued_at) from firsts as f
                ),
                (
                    select j.scheduled_at
                    from gtr_jobs.jobs as j
                    where
                        j.queue = q.queue
                        and j.status = 'todo'
                        and j.scheduled_at is not null
                        and j.scheduled_at <= pg_catalog.now()
                    order by j.scheduled_at
                    limit 1
                )
            ) as oldest_due
    ) as waiting;
end
$$;

revoke all on function gtr_jobs.read_queue_depth() from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.read_queue_depth() to gtr_worker;
