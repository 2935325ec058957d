-- does: writes what came of claimed jobs: their deliveries and their end, in one transaction
-- requires: engine/jobs_table

-- p_ends: [{job_id, claim_number, ended, attempted, maybe_sent, delay, code, error, fingerprint}]; delay in seconds.
-- p_deliveries: [{job_id, dedupe_key, kind, channel, provider, user_id, device_id, registered_at, state, outcome, code,
-- provider_id, resent, apns_environment}]; the last where it was learned by sending. Returns the jobs that were still this claim's: what a worker brings after it lost its claim
-- is not written, neither end nor delivery.
--
-- A session keeps the plan that it made while the queue was short. So no table is gone through, whatever seemed cheap.
create or replace function gtr_jobs.ack_jobs(p_worker_id bigint, p_ends jsonb, p_deliveries jsonb)
returns setof bigint
language plpgsql
security definer
set search_path = ''
set enable_seqscan = off
as $$
begin
    return query
    with ends as (
        select e.*
        from pg_catalog.jsonb_to_recordset(p_ends) as e (
            job_id bigint,
            claim_number bigint,
            ended gtr_jobs.job_end,
            attempted boolean,
            maybe_sent boolean,
            delay double precision,
            code text,
            error text,
            fingerprint text
        )
    ),

    -- One by one, by number: a join would be free to read all that is being done.
    held as (
        select
            j.*,
            j.attempts_before + e.attempted::integer as attempts_made,
            e.ended,
            e.maybe_sent,
            e.delay,
            e.code,
            e.error,
            e.fingerprint
        from ends as e
        cross join lateral (
            select
                q.id,
                -- A lock keeps the row where it is. What another transaction moves is no longer this claim's, or not
                -- being done any more: so what is held here is also seen at its place.
                q.ctid as place,
                q.queue_name,
                q.task_name,
                q.args,
                q.attempts as attempts_before,
                q.trace_id,
                q.event_day,
                q.enqueued_at,
                q.claim_number,
                q.lost_claims
            from procrastinate.procrastinate_jobs as q
            where
                q.id = e.job_id
                and q.status = 'doing'
                and q.worker_id = p_worker_id
                and q.claim_number = e.claim_number
            for update
        ) as j
    ),

    sent as (
        select
            d.*,
            h.event_day,
            h.trace_id,
            h.args,
            h.enqueued_at
        from pg_catalog.jsonb_to_recordset(p_deliveries) as d (
            job_id bigint,
            dedupe_key uuid,
            kind text,
            channel text,
            provider text,
            user_id uuid,
            device_id uuid,
            registered_at timestamptz,
            state gtr_jobs.delivery_state,
            outcome gtr_jobs.outcome,
            code text,
            provider_id text,
            resent boolean,
            apns_environment text
        )
        join held as h on h.id = d.job_id
    ),

    recorded as (
        insert into gtr_jobs.deliveries as known (
            day, dedupe_key, kind, channel, provider, user_id, device_id, state, outcome, code, provider_id,
            resent_after_unknown, job_id, trace_id
        )
        -- Twins bring the same delivery, and a row can be written once a statement: the settled one first.
        select distinct on (s.event_day, s.dedupe_key)
            s.event_day,
            s.dedupe_key,
            s.kind,
            s.channel,
            s.provider,
            s.user_id,
            s.device_id,
            s.state,
            s.outcome,
            s.code,
            s.provider_id,
            s.resent,
            s.job_id,
            s.trace_id
        from sent as s
        order by s.event_day, s.dedupe_key, s.state in ('queued', 'sending', 'unknown'), s.job_id
        on conflict (day, dedupe_key) do update
            set
                state = excluded.state,
                outcome = excluded.outcome,
                code = excluded.code,
                provider = excluded.provider,
                provider_id = excluded.provider_id,
                attempts = known.attempts + 1,
                resent_after_unknown = known.resent_after_unknown or excluded.resent_after_unknown,
                updated_at = pg_catalog.now()
            -- What is settled stays settled, whoever comes later.
            where known.state in ('queued', 'sending', 'unknown')
    ),

    -- What Expo took it may still refuse: it says so in a receipt, to whoever asks for it later.
    awaiting_receipts as (
        insert into gtr_jobs.expo_tickets (
            day, dedupe_key, ticket_id, device_id, registered_at, kind, args, trace_id, enqueued_at
        )
        select distinct on (s.event_day, s.dedupe_key)
            s.event_day,
            s.dedupe_key,
            s.provider_id,
            s.device_id,
            s.registered_at,
            s.kind,
            s.args,
            s.trace_id,
            s.enqueued_at
        from sent as s
        where
            s.provider = 'expo'
            and s.state = 'sent'
            and s.device_id is not null
            and s.registered_at is not null
            -- Longer than any id is: nothing that could be asked for.
            and pg_catalog.octet_length(s.provider_id) between 1 and 200
        order by s.event_day, s.dedupe_key, s.job_id
        on conflict (day, dedupe_key) do nothing
    ),

    buried_devices as (
        insert into gtr_jobs.devices as known (device_id, dead_since, dead_reason, dead_registration)
        select distinct on (s.device_id)
            s.device_id,
            pg_catalog.now(),
            s.code,
            s.registered_at
        from sent as s
        where s.outcome = 'dead_target' and s.device_id is not null
        order by s.device_id asc, s.registered_at desc
        on conflict (device_id) do update
            set
                dead_since = excluded.dead_since,
                dead_reason = excluded.dead_reason,
                dead_registration = excluded.dead_registration
            where known.dead_registration is null or known.dead_registration < excluded.dead_registration
    ),

    -- Who is registering a device just now is not waited for: what is not written is learned once more.
    placed_devices as (
        update gtr_jobs.devices as k
        set apns_environment = s.apns_environment
        from sent as s
        where
            s.apns_environment is not null
            and k.device_id = s.device_id
            and k.device_id in (
                select d.device_id
                from gtr_jobs.devices as d
                where
                    d.device_id in (select p.device_id from sent as p where p.apns_environment is not null)
                    and d.device_id not in (
                        select b.device_id
                        from sent as b
                        where b.outcome = 'dead_target' and b.device_id is not null
                    )
                    and d.apns_environment is null
                order by d.device_id
                for update skip locked
            )
    ),

    ended as (
        delete from procrastinate.procrastinate_jobs as j
        where j.ctid = any(array(select h.place from held as h where h.ended in ('done', 'dead')))
    ),

    given_back as (
        update procrastinate.procrastinate_jobs as j
        set
            status = 'todo',
            worker_id = null,
            attempts = h.attempts_made,
            lost_claims = j.lost_claims + h.maybe_sent::integer,
            scheduled_at = case
                when h.delay > 0 then pg_catalog.now() + pg_catalog.make_interval(secs => h.delay)
            end,
            -- A twin may wait under the same key by now; the ledger keeps the two from sending twice.
            queueing_lock = null
        from held as h
        where
            j.ctid = any(array(select back.place from held as back where back.ended in ('retry', 'release')))
            and j.id = h.id
    ),

    buried_jobs as (
        insert into gtr_jobs.dead_jobs (
            job_id, queue, kind, args, attempts, code, error, fingerprint, trace_id, event_day, enqueued_at,
            claim_number, lost_claims
        )
        select
            h.id,
            h.queue_name,
            h.task_name,
            h.args,
            h.attempts_made,
            h.code,
            h.error,
            h.fingerprint,
            h.trace_id,
            h.event_day,
            h.enqueued_at,
            h.claim_number,
            h.lost_claims
        from held as h
        where h.ended = 'dead'
    ),

    remembered as (
        insert into gtr_jobs.job_history (day, job_id, queue, kind, ended, attempts, trace_id, enqueued_at)
        select
            h.event_day,
            h.id,
            h.queue_name,
            h.task_name,
            h.ended,
            h.attempts_made,
            h.trace_id,
            h.enqueued_at
        from held as h
        where h.ended in ('done', 'dead')
    )

    select h.id from held as h;
end
$$;

revoke all on function gtr_jobs.ack_jobs(bigint, jsonb, jsonb) from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.ack_jobs(bigint, jsonb, jsonb) to gtr_worker;
