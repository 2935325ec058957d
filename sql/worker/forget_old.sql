-- does: forgets what is too old to be asked for, in small parts, and never makes a writer wait

-- Deletes at most p_limit rows that are older than so many days; returns how many. Rows of the default partitions are
-- those that came before the partition of their day was made, or long after it was dropped.
create or replace function gtr_jobs.forget_rows(p_what text, p_days integer, p_limit integer)
returns integer
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_before timestamptz := pg_catalog.now() - pg_catalog.make_interval(days => p_days);
    v_first_day date := (pg_catalog.now() at time zone 'utc')::date - p_days;
    v_limit integer := least(p_limit, 10000);
    v_deleted integer;
begin
    if p_days is null or p_days < 1 then
        raise exception 'nothing of today is forgotten' using errcode = 'invalid_parameter_value';
    end if;
    if p_what = 'enqueue_errors' then
        delete from gtr_jobs.enqueue_errors as e
        where e.id = any(array(
            select old.id
            from gtr_jobs.enqueue_errors as old
            where old.failed_at < v_before
            order by old.failed_at
            limit v_limit
            for update skip locked
        ));
    elsif p_what = 'idempotency_keys' then
        delete from gtr_jobs.idempotency_keys as k
        where k.ctid = any(array(
            select old.ctid
            from gtr_jobs.idempotency_keys as old
            where old.created_at < v_before
            order by old.created_at
            limit v_limit
            for update skip locked
        ));
    elsif p_what = 'expo_tickets' then
        -- Whoever asks for receipts gives up after a day: these nobody asked for.
        delete from gtr_jobs.expo_tickets as t
        where t.ctid = any(array(
            select old.ctid
            from gtr_jobs.expo_tickets as old
            where old.waits_since < v_before
            order by old.waits_since
            limit v_limit
            for update skip locked
        ));
    elsif p_what = 'outgoing' then
        -- With the days of the ledger that they belong to.
        delete from gtr_jobs.outgoing as o
        where o.ctid = any(array(
            select old.ctid
            from gtr_jobs.outgoing as old
            where old.created_at < v_before
            order by old.created_at
            limit v_limit
            for update skip locked
        ));
    elsif p_what = 'delivery_reports' then
        delete from gtr_jobs.delivery_reports as r
        where r.ctid = any(array(
            select old.ctid
            from gtr_jobs.delivery_reports as old
            where old.received_at < v_before
            order by old.received_at
            limit v_limit
            for update skip locked
        ));
    elsif p_what = 'deliveries' then
        delete from gtr_jobs.deliveries_default as d
        where d.ctid = any(array(
            select old.ctid
            from gtr_jobs.deliveries_default as old
            where old.day < v_first_day
            order by old.day, old.dedupe_key
            limit v_limit
            for update skip locked
        ));
    elsif p_what = 'job_history' then
        delete from gtr_jobs.job_history_default as h
        where h.ctid = any(array(
            select old.ctid
            from gtr_jobs.job_history_default as old
            where old.day < v_first_day
            order by old.day, old.job_id
            limit v_limit
            for update skip locked
        ));
    else
        raise exception 'gtr_jobs.% is kept', p_what using errcode = 'invalid_parameter_value';
    end if;
    get diagnostics v_deleted = row_count;
    return v_deleted;
end
$$;

-- Drops the oldest partition whose day is more than so many days ago; returns its name, null where there is none.
-- Its rows go with it, without a dead row left behind. For that the table must be nobody's for a moment, and whoever
-- comes meanwhile stands behind us: after a tenth of a second we let them go first (55P03), and come again.
create or replace function gtr_jobs.drop_old_partition(p_table text, p_days integer)
returns text
language plpgsql
volatile
security definer
set search_path = ''
set lock_timeout = '100ms'
as $$
declare
    v_partition text;
begin
    if p_table is null or p_table not in ('deliveries', 'job_history') or p_days is null or p_days < 1 then
        raise exception 'gtr_jobs.% is kept', coalesce(p_table, 'null') using errcode = 'invalid_parameter_value';
    end if;
    select c.relname into v_partition
    from pg_catalog.pg_inherits as i
    join pg_catalog.pg_class as c on c.oid = i.inhrelid
    where
        i.inhparent = pg_catalog.format('gtr_jobs.%I', p_table)::regclass
        and c.relname ~ ('^' || p_table || '_[0-9]{8}$')
        and pg_catalog.right(c.relname, 8)
        < pg_catalog.to_char((pg_catalog.now() at time zone 'utc')::date - p_days, 'YYYYMMDD')
    order by c.relname
    limit 1;
    if v_partition is not null then
        execute pg_catalog.format('drop table gtr_jobs.%I', v_partition);
    end if;
    return v_partition;
end
$$;

revoke all on function gtr_jobs.forget_rows(text, integer, integer) from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.drop_old_partition(text, integer) from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.forget_rows(text, integer, integer) to gtr_worker;
grant execute on function gtr_jobs.drop_old_partition(text, integer) to gtr_worker;
