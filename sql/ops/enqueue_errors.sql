-- does: counts the rows of the last hour whose trigger could not enqueue, for metrics and readiness

create or replace function gtr_jobs.count_enqueue_errors()
returns bigint
language sql
stable
security definer
set search_path = ''
as $$
    select pg_catalog.count(*)
    from (
        select from gtr_jobs.enqueue_errors as e
        where e.failed_at > pg_catalog.now() - interval '1 hour'
        order by e.failed_at desc
        limit 10000
    ) as few
$$;

revoke all on function gtr_jobs.count_enqueue_errors() from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.count_enqueue_errors() to gtr_worker;
