-- does: tells what keeps the queue's table from being cleaned up, for metrics
-- requires: engine/jobs_table

-- The oldest transaction that holds on to what it may still see, in seconds (an app's, a dump's, a forgotten one's), and
-- how many dead rows the queue has by the server's own estimate.
create or replace function gtr_jobs.read_pressure()
returns table (oldest_transaction_seconds double precision, dead_rows bigint)
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    return query
    select
        coalesce(extract(epoch from pg_catalog.clock_timestamp() - least(
            (
                select min(a.xact_start)
                from pg_catalog.pg_stat_activity as a
                where
                    a.datname = pg_catalog.current_database()
                    and a.pid <> pg_catalog.pg_backend_pid()
                    and (a.backend_xmin is not null or a.backend_xid is not null)
            ),
            (
                select min(p.prepared)
                from pg_catalog.pg_prepared_xacts as p
                where p.database = pg_catalog.current_database()
            )
        )), 0)::double precision,
        pg_catalog.pg_stat_get_dead_tuples('procrastinate.procrastinate_jobs'::regclass);
end
$$;

revoke all on function gtr_jobs.read_pressure() from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.read_pressure() to gtr_worker;
