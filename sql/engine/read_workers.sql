-- does: lists the workers on the register, for operators
-- requires: engine/jobs_table

-- Whoever is silent for long is dead, and leaves the register when its jobs are rescued.
create or replace function gtr_jobs.read_workers()
returns table (worker_id bigint, silent_seconds double precision, jobs bigint)
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    return query
    select
        w.id,
        extract(epoch from pg_catalog.clock_timestamp() - w.last_heartbeat)::double precision,
        coalesce(held.jobs, 0)
    from procrastinate.procrastinate_workers as w
    left join (
        select
            j.worker_id,
            pg_catalog.count(*) as jobs
        from procrastinate.procrastinate_jobs as j
        where j.status = 'doing'
        group by j.worker_id
    ) as held on held.worker_id = w.id
    order by w.last_heartbeat desc
    limit 1000;
end
$$;

revoke all on function gtr_jobs.read_workers() from public, anon, authenticated, service_role;
