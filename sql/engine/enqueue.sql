-- does: puts jobs into the queue: the one way in for triggers, RPCs, cron, the command line and Python

-- Names one job. Arguments carry ids, never content; the key holds the id of the row that caused the job.
create or replace function gtr_jobs.job(p_kind text, p_args jsonb, p_key text, p_run_at timestamptz default null)
returns gtr_jobs.job_request
language sql
immutable
set search_path = ''
as $$
    select row(p_kind, p_args, p_key, p_run_at)::gtr_jobs.job_request
$$;

-- The trace of the API call that this transaction serves (W3C traceparent), else a new one.
create or replace function gtr_jobs.current_trace_id()
returns text
language sql
volatile
set search_path = ''
as $$
    -- Read as text, not as JSON: headers come from strangers, and nothing in them may raise an error here.
    -- Ids that are all zero are no ids.
    select coalesce(
        substring(
            pg_catalog.current_setting('request.headers', true)
            from '"traceparent" ?: ?"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"'
        ),
        pg_catalog.replace(pg_catalog.gen_random_uuid()::text, '-', '')
    )
$$;

-- Enqueues all jobs given, in one statement. Returns how many are new: a key that still waits is not queued twice.
-- Raises GTR01 for a kind that is not in gtr_jobs.job_kinds and GTR02 for arguments over 8 KB.
-- It runs inside the app's own writes: every query, and every call of another function, is paid for by each of them.
create or replace function gtr_jobs.enqueue(p_jobs gtr_jobs.job_request[])
returns integer
language plpgsql
security definer
set search_path = ''
as $$
declare
    -- As gtr_jobs.current_trace_id() has it, which is a sixth of what the rest costs.
    v_trace_id text := coalesce(
        substring(
            pg_catalog.current_setting('request.headers', true)
            from '"traceparent" ?: ?"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"'
        ),
        pg_catalog.replace(pg_catalog.gen_random_uuid()::text, '-', '')
    );
    v_wrong text;
    v_enqueued integer;
begin
    insert into procrastinate.procrastinate_jobs
        (queue_name, task_name, priority, queueing_lock, args, scheduled_at, trace_id)
    select
        k.queue,
        j.kind,
        k.priority,
        j.key,
        coalesce(j.args, '{}'),
        j.run_at,
        v_trace_id
    from unnest(p_jobs) as j
    -- One after another: a job's number is its place in the queue, and a join of all would shuffle them.
    cross join lateral (
        select
            known.queue,
            known.priority
        from gtr_jobs.job_kinds as known
        where known.kind = j.kind
        offset 0
    ) as k
    where coalesce(pg_catalog.octet_length(j.args::text), 0) <= 8192
    on conflict (queueing_lock) where status = 'todo' do nothing;
    get diagnostics v_enqueued = row_count;

    -- Fewer than were given: some wait already, or some cannot be.
    if v_enqueued < pg_catalog.cardinality(p_jobs) then
        select j.kind into v_wrong
        from unnest(p_jobs) as j
        where not exists (select from gtr_jobs.job_kinds as k where k.kind = j.kind)
        limit 1;
        if found then
            raise exception 'unknown job kind %', coalesce(v_wrong, 'null')
                using errcode = 'GTR01', hint = 'Add it to gtr_jobs.job_kinds.';
        end if;
        if exists (select from unnest(p_jobs) as j where pg_catalog.octet_length(j.args::text) > 8192) then
            raise exception 'job arguments over 8 KB'
                using errcode = 'GTR02', hint = 'Pass ids, and read the rest when the job runs.';
        end if;
    end if;

    -- A NOTIFY makes commits wait for each other: only who sleeps is woken, once a queue.
    if v_enqueued > 0 and exists (select from gtr_jobs.sleeping_workers) then
        perform pg_catalog.pg_notify('gtr_jobs_wake', woken.queue)
        from (
            select distinct k.queue
            from unnest(p_jobs) as j
            join gtr_jobs.job_kinds as k on k.kind = j.kind
            join gtr_jobs.sleeping_workers as s on s.queue = k.queue
            where j.run_at is null or j.run_at <= pg_catalog.now()
        ) as woken;
    end if;
    return v_enqueued;
end
$$;

-- Keeps what a trigger of ours could not do, without failing the app's statement. Returns whether it should fail
-- all the same, because the installation is strict. What stands between quotes or brackets may be data, and data may
-- hold quotes itself: the message loses all from the first to the last. The context holds the app's own statements:
-- only the places in our own functions are kept.
create or replace function gtr_jobs.record_enqueue_error(
    p_source text,
    p_sqlstate text,
    p_message text,
    p_context text
)
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
declare
    v_is_strict boolean := false;
begin
    v_is_strict := exists (select from gtr_jobs.installation as i where i.strict_enqueue);
    insert into gtr_jobs.enqueue_errors (source, sqlstate, message, context, trace_id)
    values (
        p_source,
        p_sqlstate,
        pg_catalog.left(pg_catalog.regexp_replace(p_message, '["''(].*["'')]', '…'), 500),
        pg_catalog.array_to_string(array(
            select place[1] || ' line ' || place[2]
            from pg_catalog.regexp_matches(
                pg_catalog.left(p_context, 10000),
                'PL/pgSQL function (gtr_jobs\.[a-z_]{1,60})\([^()]*\) line ([0-9]{1,6})',
                'g'
            ) as place
            limit 10
        ), ', '),
        gtr_jobs.current_trace_id()
    );
    return v_is_strict;
exception
    when query_canceled or others then
        -- A read-only or full database can keep no note: the server's log is what is left.
        raise warning 'gtr_jobs: % was not enqueued (%)', p_source, p_sqlstate;
        return v_is_strict;
end
$$;

revoke all on function gtr_jobs.job(text, jsonb, text, timestamptz) from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.current_trace_id() from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.enqueue(gtr_jobs.job_request[]) from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.record_enqueue_error(text, text, text, text)
    from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.job(text, jsonb, text, timestamptz) to gtr_worker;
grant execute on function gtr_jobs.enqueue(gtr_jobs.job_request[]) to gtr_worker;
