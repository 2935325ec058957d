-- does: makes the partitions of today and the days ahead, for the ledger and the history

-- Returns how many were made. Rows that reached the default partition first move to where they belong.
create or replace function gtr_jobs.make_partitions(p_days_ahead integer default 7)
returns integer
language plpgsql
security definer
set search_path = ''
set lock_timeout = '2s'
as $$
declare
    v_table text;
    v_partition text;
    v_day date;
    v_strays bigint;
    v_made integer := 0;
begin
    -- One maker at a time: workers start together.
    perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('gtr_jobs.make_partitions', 0));
    foreach v_table in array array['deliveries', 'job_history']
    loop
        for v_day in
            select (pg_catalog.now() at time zone 'utc')::date + n
            from pg_catalog.generate_series(0, least(p_days_ahead, 31)) as n
        loop
            v_partition := v_table || '_' || pg_catalog.to_char(v_day, 'YYYYMMDD');
            continue when pg_catalog.to_regclass('gtr_jobs.' || v_partition) is not null;
            -- First, so that no row comes in between moving the strays and the check that there are none.
            execute pg_catalog.format(
                'lock table gtr_jobs.%I in access exclusive mode', v_table || '_default'
            );
            execute pg_catalog.format(
                'create table gtr_jobs.%I (like gtr_jobs.%I including all)', v_partition, v_table
            );
            execute pg_catalog.format('alter table gtr_jobs.%I enable row level security', v_partition);
            execute pg_catalog.format(
                'with strays as (delete from gtr_jobs.%I where day = %L returning *) '
                'insert into gtr_jobs.%I select * from strays',
                v_table || '_default', v_day, v_partition
            );
            get diagnostics v_strays = row_count;
            execute pg_catalog.format(
                'alter table gtr_jobs.%I attach partition gtr_jobs.%I for values from (%L) to (%L)',
                v_table, v_partition, v_day, v_day + 1
            );
            execute pg_catalog.format(
                'revoke all on gtr_jobs.%I from public, anon, authenticated, service_role', v_partition
            );
            if v_strays > 0 then
                raise log 'gtr_jobs: % rows moved from the default partition to %', v_strays, v_partition;
            end if;
            v_made := v_made + 1;
        end loop;
    end loop;
    return v_made;
end
$$;

revoke all on function gtr_jobs.make_partitions(integer) from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.make_partitions(integer) to gtr_worker;

select gtr_jobs.make_partitions();
