-- does: ends claimed jobs of which all is told by the pushes that a provider took
-- requires: engine/jobs_table

-- The same law as in gtr_jobs.ack_jobs, for what nearly every push brings: plain arrays, and no documents to read. An
-- entry is one delivery, with the number and the claim of its job: accepted, by a provider that sends no receipts, of
-- the job's own kind. Returns the jobs that were still this claim's; of the others nothing is written.
--
-- It is planned once a session: for a few jobs that would take longer than the rest. And a session keeps the plan that it
-- made while the queue was short: so no table is gone through, whatever seemed cheap.
create or replace function gtr_jobs.ack_accepted_pushes(
    p_worker_id bigint,
    p_job_ids bigint[],
    p_claim_numbers bigint[],
    p_dedupe_keys uuid[],
    p_user_ids uuid[],
    p_device_ids uuid[],
    p_providers text[],
    p_provider_ids text[],
    p_resent boolean[]
)
returns setof bigint
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
begin
    return query
    -- One by one, by number: a join would be free to read all that is being done. A job of several deliveries is
    -- looked up for each, and locked once.
    with sent as (
        select
            d.*,
            j.place,
            j.event_day,
            j.task_name,
            j.trace_id
        from unnest(
            p_job_ids,
            p_claim_numbers,
            p_dedupe_keys,
            p_user_ids,
            p_device_ids,
            p_providers,
            p_provider_ids,
            p_resent
        ) as d (job_id, claim_number, dedupe_key, user_id, device_id, provider, provider_id, resent)
        cross join lateral (
            select
                q.ctid as place,
                q.event_day,
                q.task_name,
                q.trace_id
            from procrastinate.procrastinate_jobs as q
            where
                q.id = d.job_id
                and q.status = 'doing'
                and q.worker_id = p_worker_id
                and q.claim_number = d.claim_number
            for update
        ) as j
    ),

    recorded as (
        insert into gtr_jobs.deliveries as known (
            day, dedupe_key, kind, channel, provider, user_id, device_id, state, outcome, code, provider_id,
            resent_after_unknown, job_id, trace_id
        )
        -- Twins bring the same delivery, and a row can be written once a statement.
        select distinct on (s.event_day, s.dedupe_key)
            s.event_day,
            s.dedupe_key,
            s.task_name,
            'push',
            s.provider,
            s.user_id,
            s.device_id,
            'sent',
            'accepted',
            '',
            s.provider_id,
            s.resent,
            s.job_id,
            s.trace_id
        from sent as s
        order by s.event_day, s.dedupe_key, s.job_id
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

    ended as (
        delete from procrastinate.procrastinate_jobs as j
        where j.ctid = any(array(select s.place from sent as s))
        returning j.event_day, j.id, j.queue_name, j.task_name, j.attempts, j.trace_id, j.enqueued_at
    )

    insert into gtr_jobs.job_history as h (day, job_id, queue, kind, ended, attempts, trace_id, enqueued_at)
    select
        e.event_day,
        e.id,
        e.queue_name,
        e.task_name,
        'done',
        e.attempts + 1,
        e.trace_id,
        e.enqueued_at
    from ended as e
    returning h.job_id;
end
$$;

revoke all on function gtr_jobs.ack_accepted_pushes(
    bigint, bigint[], bigint[], uuid[], uuid[], uuid[], text[], text[], boolean[]
) from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.ack_accepted_pushes(
    bigint, bigint[], bigint[], uuid[], uuid[], uuid[], text[], text[], boolean[]
) to gtr_worker;
