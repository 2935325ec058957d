-- does: enqueues many jobs that do nothing, each about a row of its own
-- enqueues: bench_lane
-- enqueues: bench_single
-- enqueues: bench_timed
-- enqueues: bench_other

create or replace function gtr_bench.put_jobs(p_kind text, p_jobs integer, p_run_at timestamptz default null)
returns void
language sql
volatile
set search_path = ''
as $$
    -- In parts, as no trigger would enqueue so many at once.
    select pg_catalog.count(gtr_jobs.enqueue(array(
        select gtr_jobs.job(
            p_kind,
            pg_catalog.jsonb_build_object('id', row_id),
            p_kind || ':' || row_id,
            p_run_at
        )
        from (
            select pg_catalog.gen_random_uuid() as row_id
            from pg_catalog.generate_series(part + 1, least(part + 10000, p_jobs))
        ) as rows_of_part
    )))
    from pg_catalog.generate_series(0, p_jobs - 1, 10000) as part
$$;

revoke all on function gtr_bench.put_jobs(text, integer, timestamptz) from public, anon, authenticated, service_role;
