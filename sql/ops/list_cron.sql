-- does: tells operators up to which tick every cron line was dealt with

create or replace function gtr_jobs.list_cron()
returns table (
    name text,
    passed_at timestamptz,
    enqueued_tick timestamptz,
    watched_since timestamptz,
    read_at timestamptz
)
language sql
volatile
security definer
set search_path = ''
as $$
    select
        c.name,
        c.passed_at,
        c.enqueued_tick,
        c.watched_since,
        pg_catalog.clock_timestamp()
    from gtr_jobs.cron as c
    order by c.name
    limit 1000
$$;

revoke all on function gtr_jobs.list_cron() from public, anon, authenticated, service_role;
