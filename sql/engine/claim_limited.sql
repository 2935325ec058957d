-- does: gives a worker due jobs of a queue with limits or paused kinds: no more at once than operators allow
-- requires: engine/jobs_table

-- As gtr_jobs.claim_jobs(), which stays as fast as it is where nothing is switched. What runs is counted in the queue
-- itself: what a dead worker held counts until it is rescued, and no counter can go wrong. Claims of a queue with limits
-- wait for each other: each sees what the one before it took.
create or replace function gtr_jobs.claim_limited(p_queue text, p_worker_id bigint, p_limit integer)
returns table (
    job_id bigint,
    kind text,
    args jsonb,
    attempts integer,
    max_attempts integer,
    claim_number bigint,
    lost_claims integer,
    enqueued_at timestamptz,
    event_day date,
    trace_id text,
    age_seconds double precision,
    waited_seconds double precision
)
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_paused text[];
    v_most bigint;
    v_keys text[];
    v_mosts bigint[];
    v_room bigint := least(p_limit, 1000);
    v_look integer;
    v_looked_at bigint;
    v_chosen bigint[];
begin
    -- A worker that was given up for dead claims nothing until it registers anew.
    if not exists (select from procrastinate.procrastinate_workers as w where w.id = p_worker_id) then
        return;
    end if;
    if exists (
        select from gtr_jobs.switches as s
        where s.lever = 'limit' and s.scope = 'queue' and s.name = p_queue
    ) then
        perform pg_catalog.pg_advisory_xact_lock(
            pg_catalog.hashtextextended('gtr_jobs.claim_limited/' || p_queue, 0)
        );
    end if;
    select
        coalesce(pg_catalog.array_agg(s.name) filter (where s.lever = 'pause' and s.scope = 'kind'), '{}'),
        pg_catalog.min(s.amount) filter (where s.lever = 'limit' and s.key_argument = ''),
        pg_catalog.array_agg(s.key_argument order by s.key_argument)
            filter (where s.lever = 'limit' and s.key_argument <> ''),
        pg_catalog.array_agg(s.amount order by s.key_argument)
            filter (where s.lever = 'limit' and s.key_argument <> '')
    into v_paused, v_most, v_keys, v_mosts
    from gtr_jobs.switches as s
    where
        (s.lever = 'pause' or s.name = p_queue)
        and (s.expires_at is null or s.expires_at > pg_catalog.clock_timestamp());
    if v_most is not null then
        v_room := least(
            v_room,
            v_most - (
                select pg_catalog.count(*)
                from procrastinate.procrastinate_jobs as j
                where j.status = 'doing' and j.queue_name = p_queue
            )
        );
    end if;
    if v_room <= 0 then
        return;
    end if;

    -- Far only where nothing near may run: jobs with the same key can be many, one after another.
    foreach v_look in array
        case when v_keys is null then array[v_room, 1000]::integer[] else array[1000, 10000] end
    loop
        with looked_at as materialized (
            (
                select
                    j.id,
                    j.task_name,
                    j.args,
                    0 as turn,
                    j.scheduled_at,
                    j.priority
                from procrastinate.procrastinate_jobs as j
                where
                    j.queue_name = p_queue
                    and j.status = 'todo'
                    and j.scheduled_at is not null
                    and j.scheduled_at <= pg_catalog.now()
                order by j.scheduled_at
                limit v_look
            )
            union all
            (
                select
                    j.id,
                    j.task_name,
                    j.args,
                    1 as turn,
                    null::timestamptz as scheduled_at,
                    j.priority
                from procrastinate.procrastinate_jobs as j
                where j.queue_name = p_queue and j.status = 'todo' and j.scheduled_at is null
                order by j.priority desc, j.id
                limit v_look
            )
        ),

        placed as (
            select
                l.id,
                l.args,
                pg_catalog.row_number() over (order by l.turn, l.scheduled_at, l.priority desc, l.id) as place
            from looked_at as l
            where l.task_name <> all(v_paused)
        ),

        running as (
            select
                k.argument,
                j.args ->> k.argument as key,
                pg_catalog.count(*) as jobs
            from unnest(v_keys) as k (argument)
            join procrastinate.procrastinate_jobs as j on j.status = 'doing' and j.queue_name = p_queue
            group by k.argument, j.args ->> k.argument
        ),

        -- A job without the argument has no key, and is not limited by it.
        ranked as (
            select
                p.id,
                p.place,
                k.argument,
                k.most,
                p.args ->> k.argument as key,
                pg_catalog.row_number() over (
                    partition by k.argument, p.args ->> k.argument
                    order by p.place
                ) as rank
            from placed as p
            left join unnest(v_keys, v_mosts) as k (argument, most) on true
        ),

        allowed as (
            select
                r.id,
                r.place
            from ranked as r
            left join running as u on u.argument = r.argument and u.key = r.key
            group by r.id, r.place
            having pg_catalog.bool_and(r.key is null or coalesce(u.jobs, 0) + r.rank <= r.most)
            order by r.place
            limit v_room
        )

        select
            (select pg_catalog.array_agg(a.id) from allowed as a),
            (select pg_catalog.count(*) from looked_at)
        into v_chosen, v_looked_at;
        exit when v_chosen is not null or v_looked_at < v_look;
    end loop;

    return query
    with free as (
        select j.id
        from procrastinate.procrastinate_jobs as j
        where
            j.id = any(v_chosen)
            and j.status = 'todo'
            and (j.scheduled_at is null or j.scheduled_at <= pg_catalog.now())
        for update skip locked
    ),

    claimed as (
        update procrastinate.procrastinate_jobs as j
        set
            status = 'doing',
            worker_id = p_worker_id,
            claim_number = j.claim_number + 1
        where j.id = any(array(select free.id from free))
        returning j.*
    )

    select
        c.id,
        c.task_name::text,
        c.args,
        c.attempts,
        coalesce(k.max_attempts, 1),
        c.claim_number,
        c.lost_claims,
        c.enqueued_at,
        c.event_day,
        c.trace_id,
        -- By the clock of the database alone: a worker's may be wrong.
        extract(epoch from pg_catalog.clock_timestamp() - c.enqueued_at)::double precision,
        extract(
            epoch from pg_catalog.clock_timestamp() - greatest(c.enqueued_at, c.scheduled_at)
        )::double precision
    from claimed as c
    left join gtr_jobs.job_kinds as k on k.kind = c.task_name
    order by c.priority desc, c.id;
end
$$;

revoke all on function gtr_jobs.claim_limited(text, bigint, integer) from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.claim_limited(text, bigint, integer) to gtr_worker;
