-- does: gives Expo's tickets whose receipt is due, each to one worker at a time

-- At most p_limit tickets that have waited for p_wait seconds. They wait anew from now on: a worker that is killed
-- before it settles them leaves them to be asked for again, and asking twice changes nothing.
create or replace function gtr_jobs.take_tickets(p_wait double precision, p_limit integer)
returns table (
    day date,
    dedupe_key uuid,
    ticket_id text,
    app text,
    kind text,
    trace_id text,
    attempts integer,
    age_seconds double precision
)
language plpgsql
volatile
security definer
set search_path = ''
-- Each ticket is looked up by its key: a join would be free to read the whole ledger.
set enable_hashjoin = off
set enable_mergejoin = off
as $$
begin
    return query
    with due as (
        select
            t.day,
            t.dedupe_key
        from gtr_jobs.expo_tickets as t
        where t.waits_since <= pg_catalog.now() - pg_catalog.make_interval(secs => p_wait)
        order by t.waits_since
        limit least(p_limit, 2000)
        for update skip locked
    )

    update gtr_jobs.expo_tickets as t
    set waits_since = pg_catalog.now(), asked = t.asked + 1
    from due as d
    where t.day = d.day and t.dedupe_key = d.dedupe_key
    returning
        t.day,
        t.dedupe_key,
        t.ticket_id,
        coalesce((select k.app from gtr_jobs.devices as k where k.device_id = t.device_id), 'default'),
        t.kind,
        t.trace_id,
        coalesce(
            (select l.attempts from gtr_jobs.deliveries as l where l.day = t.day and l.dedupe_key = t.dedupe_key),
            1
        ),
        pg_catalog.date_part('epoch', pg_catalog.now() - t.sent_at);
end
$$;

-- Has tickets that could not be asked for wait p_seconds more, of the p_wait that they would; returns how many.
create or replace function gtr_jobs.put_off_tickets(
    p_days date[],
    p_dedupe_keys uuid[],
    p_wait double precision,
    p_seconds double precision
)
returns integer
language plpgsql
volatile
security definer
set search_path = ''
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    v_put_off integer;
begin
    if pg_catalog.cardinality(p_days) > 2000 then
        raise exception 'more than 2000 tickets' using errcode = 'program_limit_exceeded';
    end if;
    update gtr_jobs.expo_tickets as t
    set waits_since = pg_catalog.now() + pg_catalog.make_interval(secs => p_seconds - p_wait)
    from unnest(p_days, p_dedupe_keys) as w (day, dedupe_key)
    where t.day = w.day and t.dedupe_key = w.dedupe_key;
    get diagnostics v_put_off = row_count;
    return v_put_off;
end
$$;

revoke all on function gtr_jobs.take_tickets(double precision, integer)
    from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.put_off_tickets(date[], uuid[], double precision, double precision)
    from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.take_tickets(double precision, integer) to gtr_worker;
grant execute on function gtr_jobs.put_off_tickets(date[], uuid[], double precision, double precision) to gtr_worker;
