-- does: enqueues each tick of a cron line once, whatever the number of workers, by the clock of the database

-- Gives the time, and for each line up to which tick it was dealt with. A line that is seen for the first time counts
-- from now on.
create or replace function gtr_jobs.watch_cron(p_names text[])
returns table (name text, passed_at timestamptz, read_at timestamptz)
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
    if pg_catalog.cardinality(p_names) > 1000 then
        raise exception 'more than 1000 cron lines' using errcode = 'program_limit_exceeded';
    end if;
    if exists (
        select from unnest(p_names) as wanted (name)
        where not exists (select from gtr_jobs.cron as c where c.name = wanted.name)
    ) then
        insert into gtr_jobs.cron (name, passed_at)
        select wanted.name, pg_catalog.clock_timestamp()
        from unnest(p_names) as wanted (name)
        on conflict do nothing;
    end if;
    return query
    select c.name, c.passed_at, pg_catalog.clock_timestamp()
    from gtr_jobs.cron as c
    where c.name = any(p_names);
end
$$;

-- Enqueues those of the ticks that nobody dealt with before, and remembers that all up to p_passed are dealt with. The
-- row of the line is locked: of workers that come together one enqueues, and the others find it done. Ticks that are
-- still to come are never enqueued. Returns how many were; null where others were faster, or where the kind is gone.
create or replace function gtr_jobs.enqueue_cron_ticks(
    p_name text,
    p_kind text,
    p_ticks timestamptz[],
    p_passed timestamptz
)
returns integer
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_now timestamptz;
    v_passed_at timestamptz;
    v_ticks timestamptz[];
begin
    if pg_catalog.cardinality(p_ticks) > 2000 then
        raise exception 'more than 2000 ticks' using errcode = 'program_limit_exceeded';
    end if;
    select c.passed_at into v_passed_at
    from gtr_jobs.cron as c
    where c.name = p_name
    for update;
    -- Asked after the lock: whoever waited for it must not look at an older time.
    v_now := pg_catalog.clock_timestamp();
    if
        v_passed_at is null
        or p_passed <= v_passed_at
        or p_passed > v_now
        -- A newer version of the app has taken it away.
        or not exists (select from gtr_jobs.job_kinds as k where k.kind = p_kind)
    then
        return null;
    end if;

    v_ticks := array(
        select t.tick
        from unnest(p_ticks) as t (tick)
        where t.tick > v_passed_at and t.tick <= p_passed
        order by t.tick
    );
    perform gtr_jobs.enqueue(array(
        select
            gtr_jobs.job(
                p_kind,
                pg_catalog.jsonb_build_object('cron', p_name, 'tick', written.tick),
                pg_catalog.format('cron:%s:%s', p_name, written.tick)
            )
        from unnest(v_ticks) with ordinality as t (tick, place)
        cross join lateral (
            select pg_catalog.to_char(t.tick at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as tick
        ) as written
        order by t.place
    ));
    update gtr_jobs.cron as c
    set
        passed_at = p_passed,
        enqueued_tick = coalesce(v_ticks[pg_catalog.cardinality(v_ticks)], c.enqueued_tick)
    where c.name = p_name;
    return pg_catalog.cardinality(v_ticks);
end
$$;

revoke all on function gtr_jobs.watch_cron(text[]) from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.enqueue_cron_ticks(text, text, timestamptz[], timestamptz)
    from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.watch_cron(text[]) to gtr_worker;
grant execute on function gtr_jobs.enqueue_cron_ticks(text, text, timestamptz[], timestamptz) to gtr_worker;
