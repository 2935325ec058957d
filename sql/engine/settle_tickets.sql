-- does: writes what Expo's receipts say: of the ledger, of devices, and of pushes that are to be tried again
-- requires: engine/jobs_table

-- p_receipts: [{day, dedupe_key, ticket_id, state, outcome, code, delay}]. A state of queued has the push tried again
-- in so many seconds, for its one device. Returns the deliveries that were settled: each ticket is settled once,
-- whoever brings its receipt, and all that follows from it is this one transaction.
create or replace function gtr_jobs.settle_tickets(p_receipts jsonb)
returns setof uuid
language plpgsql
volatile
security definer
set search_path = ''
-- Each ticket is looked up by its key: a join would be free to read the whole ledger.
set enable_hashjoin = off
set enable_mergejoin = off
as $$
begin
    if pg_catalog.jsonb_array_length(p_receipts) > 2000 then
        raise exception 'more than 2000 receipts' using errcode = 'program_limit_exceeded';
    end if;
    return query
    with told as (
        select r.*
        from pg_catalog.jsonb_to_recordset(p_receipts) as r (
            day date,
            dedupe_key uuid,
            ticket_id text,
            state gtr_jobs.delivery_state,
            outcome gtr_jobs.outcome,
            code text,
            delay double precision
        )
    ),

    taken as (
        delete from gtr_jobs.expo_tickets as t
        using told as r
        where t.day = r.day and t.dedupe_key = r.dedupe_key and t.ticket_id = r.ticket_id
        returning t.*, r.state, r.outcome, r.code, r.delay
    ),

    settled as (
        select
            t.*,
            k.queue,
            k.priority,
            -- A kind that is no longer known cannot be tried again.
            case
                when t.state = 'queued' and k.kind is null then 'failed'::gtr_jobs.delivery_state
                else t.state
            end as state_now
        from taken as t
        left join gtr_jobs.job_kinds as k on k.kind = t.kind
    ),

    recorded as (
        update gtr_jobs.deliveries as d
        set
            state = s.state_now,
            outcome = s.outcome,
            code = s.code,
            updated_at = pg_catalog.now()
        from settled as s
        -- What has gone out again meanwhile has another ticket.
        where
            d.day = s.day
            and d.dedupe_key = s.dedupe_key
            and d.state = 'sent'
            and d.provider_id = s.ticket_id
    ),

    buried_devices as (
        insert into gtr_jobs.devices as known (device_id, dead_since, dead_reason, dead_registration)
        select distinct on (s.device_id)
            s.device_id,
            pg_catalog.now(),
            s.code,
            s.registered_at
        from settled as s
        where s.outcome = 'dead_target'
        order by s.device_id asc, s.registered_at desc
        on conflict (device_id) do update
            set
                dead_since = excluded.dead_since,
                dead_reason = excluded.dead_reason,
                dead_registration = excluded.dead_registration
            where known.dead_registration is null or known.dead_registration < excluded.dead_registration
    ),

    tried_again as (
        insert into procrastinate.procrastinate_jobs (
            queue_name, task_name, priority, args, scheduled_at, claim_number, enqueued_at, event_day, trace_id
        )
        select
            s.queue,
            s.kind,
            s.priority,
            s.args || pg_catalog.jsonb_build_object('only_device', s.device_id),
            pg_catalog.now() + pg_catalog.make_interval(secs => coalesce(s.delay, 0)),
            -- As of a job that ran before: it looks into the ledger before it sends.
            1,
            -- The event's own: what is too old by then is not sent, and the ledger's row is met again.
            s.enqueued_at,
            s.day,
            s.trace_id
        from settled as s
        where s.state_now = 'queued'
    )

    select s.dedupe_key from settled as s;
end
$$;

revoke all on function gtr_jobs.settle_tickets(jsonb) from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.settle_tickets(jsonb) to gtr_worker;
