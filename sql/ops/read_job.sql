-- does: tells operators all that is known of a job, wherever it is now: waiting, dead, or gone
-- requires: engine/jobs_view

-- Of jobs that have left, the history of the last 400 days knows; a look into each day is a step in its index.
create or replace function gtr_jobs.read_jobs(p_job_ids bigint[])
returns table (
    job_id bigint,
    state text,
    queue text,
    kind text,
    args jsonb,
    attempts integer,
    max_attempts integer,
    worker_id bigint,
    scheduled_at timestamptz,
    enqueued_at timestamptz,
    ended_at timestamptz,
    event_day date,
    trace_id text,
    lost_claims integer,
    code text,
    error text,
    fingerprint text
)
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    return query
    with wanted as (
        select distinct w.job_id from unnest(p_job_ids[1:1000]) as w (job_id)
    ),

    gone as (
        select w.job_id
        from wanted as w
        where
            not exists (select from gtr_jobs.jobs as j where j.job_id = w.job_id)
            and not exists (select from gtr_jobs.dead_jobs as d where d.job_id = w.job_id)
    ),

    found as (
        select
            j.job_id,
            case
                when j.status = 'doing' then 'doing'
                when j.scheduled_at is null then 'ready'
                else 'scheduled'
            end as state,
            j.queue,
            j.kind,
            j.args,
            j.attempts,
            j.worker_id,
            j.scheduled_at,
            j.enqueued_at,
            null::timestamptz as ended_at,
            j.event_day,
            j.trace_id,
            j.lost_claims,
            null::text as code,
            null::text as error,
            null::text as fingerprint
        from wanted as w
        join gtr_jobs.jobs as j on j.job_id = w.job_id
        union all
        select
            d.job_id,
            'dead',
            d.queue,
            d.kind,
            d.args,
            d.attempts,
            null,
            null,
            d.enqueued_at,
            d.died_at,
            d.event_day,
            d.trace_id,
            d.lost_claims,
            d.code,
            d.error,
            d.fingerprint
        from wanted as w
        join gtr_jobs.dead_jobs as d on d.job_id = w.job_id
        union all
        select
            h.job_id,
            -- It died, and is on the list of the dead no more.
            case h.ended when 'dead' then 'discarded' else h.ended::text end,
            h.queue,
            h.kind,
            null,
            h.attempts,
            null,
            null,
            h.enqueued_at,
            h.ended_at,
            h.day,
            h.trace_id,
            null,
            null,
            null,
            null
        from gone as w
        cross join lateral (
            select (pg_catalog.now() at time zone 'utc')::date + 1 - n as day
            from pg_catalog.generate_series(0, 400) as n
        ) as days
        cross join lateral (
            -- A limit keeps the planner from reading whole days at once.
            select g.*
            from gtr_jobs.job_history as g
            where g.day = days.day and g.job_id = w.job_id
            limit 1
        ) as h
    )

    select
        f.job_id,
        f.state,
        f.queue,
        f.kind,
        f.args,
        f.attempts,
        k.max_attempts,
        f.worker_id,
        f.scheduled_at,
        f.enqueued_at,
        f.ended_at,
        f.event_day,
        f.trace_id,
        f.lost_claims,
        f.code,
        f.error,
        f.fingerprint
    from found as f
    left join gtr_jobs.job_kinds as k on k.kind = f.kind
    order by f.job_id;
end
$$;

create or replace function gtr_jobs.read_job_deliveries(p_day date, p_job_id bigint)
returns table (
    dedupe_key uuid,
    channel text,
    provider text,
    user_id uuid,
    device_id uuid,
    state text,
    outcome text,
    code text,
    attempts integer,
    resent_after_unknown boolean,
    updated_at timestamptz
)
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    return query
    select
        d.dedupe_key,
        d.channel,
        d.provider,
        d.user_id,
        d.device_id,
        d.state::text,
        d.outcome::text,
        d.code,
        d.attempts,
        d.resent_after_unknown,
        d.updated_at
    from gtr_jobs.deliveries as d
    where d.day = p_day and d.job_id = p_job_id
    order by d.created_at, d.dedupe_key
    limit 1000;
end
$$;

revoke all on function gtr_jobs.read_jobs(bigint[]) from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.read_job_deliveries(date, bigint) from public, anon, authenticated, service_role;
