-- does: notices that the database is another one than it was, or an older one, and pauses what is sent

-- Where we are. Some platforms keep these from whoever is no superuser: what is not told is not compared.
create or replace function gtr_jobs.read_server()
returns table (server text, database_oid oid, timeline integer)
language plpgsql
volatile
set search_path = ''
as $$
begin
    begin
        select c.system_identifier::text into server from pg_catalog.pg_control_system() as c;
    exception when insufficient_privilege then
        server := '';
    end;
    select d.oid into database_oid
    from pg_catalog.pg_database as d
    where d.datname = pg_catalog.current_database();
    begin
        -- The first eight digits of a log file's name; pg_control_checkpoint() learns of a promotion later.
        timeline := (
            'x' || pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8)
        )::bit(32)::integer;
    exception when insufficient_privilege then
        timeline := null;
    end;
    return next;
end
$$;

-- Called by every worker with every new connection and every heartbeat. p_pulse: the highest that p_witness has been
-- given, or null. Where anything does not fit, sending is paused for all workers until an operator says that it may go on.
create or replace function gtr_jobs.check_lineage(p_witness uuid, p_pulse bigint)
returns table (pulse bigint, paused_since timestamptz, reasons text[])
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_here record;
    v_known gtr_jobs.lineage%rowtype;
    v_pulse bigint;
    v_reasons text[];
begin
    select * into v_here from gtr_jobs.read_server();
    select l.* into v_known from gtr_jobs.lineage as l;
    if not found then
        insert into gtr_jobs.lineage (server, database_oid, timeline)
        values (v_here.server, v_here.database_oid, v_here.timeline)
        on conflict (only_row) do nothing;
        select l.* into v_known from gtr_jobs.lineage as l;
    end if;

    update gtr_jobs.lineage_witnesses as w
    set
        pulse = greatest(w.pulse, v_known.pulse_floor) + 1,
        seen_on = (pg_catalog.now() at time zone 'utc')::date
    where w.witness = p_witness
    returning w.pulse into v_pulse;
    if not found then
        v_pulse := v_known.pulse_floor + 1;
        insert into gtr_jobs.lineage_witnesses as w (witness, pulse, seen_on)
        values (p_witness, v_pulse, (pg_catalog.now() at time zone 'utc')::date)
        on conflict (witness) do update set pulse = w.pulse + 1
        returning w.pulse into v_pulse;
        delete from gtr_jobs.lineage_witnesses as w
        where w.witness in (
            select old.witness
            from gtr_jobs.lineage_witnesses as old
            where old.seen_on < (pg_catalog.now() at time zone 'utc')::date - 365
            limit 100
        );
    end if;

    v_reasons := array(
        select r.reason
        from (
            values
            ('server', v_known.server <> v_here.server and '' not in (v_known.server, v_here.server)),
            ('database', v_known.database_oid <> v_here.database_oid),
            ('timeline', v_known.timeline <> v_here.timeline),
            ('ledger', p_pulse >= v_pulse)
        ) as r (reason, is_so)
        where r.is_so and r.reason <> all(v_known.reasons)
    );
    if v_reasons <> '{}' then
        update gtr_jobs.lineage as l
        set
            paused_since = coalesce(l.paused_since, pg_catalog.clock_timestamp()),
            reasons = array(select distinct unnest(l.reasons || v_reasons) order by 1)
        where l.only_row
        returning l.* into v_known;
    end if;
    return query select v_pulse, v_known.paused_since, v_known.reasons;
end
$$;

revoke all on function gtr_jobs.read_server() from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.check_lineage(uuid, bigint) from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.check_lineage(uuid, bigint) to gtr_worker;
