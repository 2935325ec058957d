-- does: lists dead jobs for operators: newest first, together by what they died of, or by name for an act

-- Names at most p_limit dead jobs, from the newest or from the oldest on. What stands in p_error_like is looked for
-- anywhere in code and error, as ilike does.
-- Each filter is read in the order of its own index: the row comparisons and the first column of the order leave the
-- planner no other. The newest jobs of all may be of other kinds, and it would read through all of those.
create or replace function gtr_jobs.find_dead_jobs(
    p_kind text,
    p_since timestamptz,
    p_fingerprint text,
    p_error_like text,
    p_newest_first boolean,
    p_limit integer
)
returns setof bigint
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    v_direction text := case when p_newest_first then 'desc' else 'asc' end;
    v_column text := case
        when p_fingerprint is not null then 'd.fingerprint'
        when p_kind is not null then 'd.kind'
    end;
begin
    return query execute
        'select d.job_id from gtr_jobs.dead_jobs as d where '
        || case
            when v_column is null then 'd.died_at >= $2'
            else pg_catalog.format(
                '(%1$s, d.died_at) >= ($1, $2) and (%1$s, d.died_at) <= ($1, timestamptz ''infinity'')', v_column
            )
        end
        || case when p_fingerprint is not null and p_kind is not null then ' and d.kind = $3' else '' end
        || case when p_error_like is not null then ' and (d.code || '' '' || d.error) ilike $4' else '' end
        || ' order by '
        || coalesce(v_column || ' ' || v_direction || ', ', '')
        || pg_catalog.format('d.died_at %1$s, d.job_id %1$s limit $5', v_direction)
    using
        coalesce(p_fingerprint, p_kind),
        coalesce(p_since, '-infinity'),
        p_kind,
        p_error_like,
        -- One more than a command takes, so that it knows of more.
        least(p_limit, 100001);
end
$$;

create or replace function gtr_jobs.list_dead_jobs(
    p_kind text,
    p_since timestamptz,
    p_fingerprint text,
    p_error_like text,
    p_limit integer
)
returns table (
    job_id bigint,
    queue text,
    kind text,
    code text,
    error text,
    fingerprint text,
    attempts integer,
    died_at timestamptz,
    enqueued_at timestamptz,
    trace_id text
)
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    v_found bigint[];
begin
    v_found := array(
        select f.job_id
        from gtr_jobs.find_dead_jobs(
            p_kind, p_since, p_fingerprint, p_error_like, true, least(p_limit, 1000)
        ) as f (job_id)
    );
    return query
    select
        d.job_id,
        d.queue,
        d.kind,
        d.code,
        d.error,
        d.fingerprint,
        d.attempts,
        d.died_at,
        d.enqueued_at,
        d.trace_id
    from unnest(v_found) with ordinality as f (job_id, place)
    join gtr_jobs.dead_jobs as d on d.job_id = f.job_id
    order by f.place;
end
$$;

-- A fingerprint is one queue, kind, provider and code. Goes from one to the next in the index, and counts at most
-- 10,000 of each: a million jobs that died of the same cost as much as ten thousand.
create or replace function gtr_jobs.group_dead_jobs(p_kind text, p_since timestamptz, p_limit integer)
returns table (
    fingerprint text,
    kind text,
    code text,
    error text,
    jobs bigint,
    first_died_at timestamptz,
    last_died_at timestamptz
)
language plpgsql
stable
security definer
set search_path = ''
-- Else all of a group is gathered and sorted, for its first or its last.
set enable_sort = off
as $$
declare
    v_since timestamptz := coalesce(p_since, '-infinity');
begin
    return query
    with recursive known (fingerprint) as (
        (
            select d.fingerprint
            from gtr_jobs.dead_jobs as d
            order by d.fingerprint
            limit 1
        )
        union all
        select later.fingerprint
        from known as k
        cross join lateral (
            select d.fingerprint
            from gtr_jobs.dead_jobs as d
            where d.fingerprint > k.fingerprint
            order by d.fingerprint
            limit 1
        ) as later
    )

    select
        newest.fingerprint,
        newest.kind,
        newest.code,
        newest.error,
        counted.jobs,
        counted.first_died_at,
        newest.died_at
    from (select k.fingerprint from known as k limit 10000) as k
    cross join lateral (
        select d.*
        from gtr_jobs.dead_jobs as d
        where
            (d.fingerprint, d.died_at) >= (k.fingerprint, v_since)
            and (d.fingerprint, d.died_at) <= (k.fingerprint, timestamptz 'infinity')
        order by d.fingerprint desc, d.died_at desc
        limit 1
    ) as newest
    cross join lateral (
        select
            pg_catalog.count(*) as jobs,
            pg_catalog.min(few.died_at) as first_died_at
        from (
            select d.died_at
            from gtr_jobs.dead_jobs as d
            where
                (d.fingerprint, d.died_at) >= (k.fingerprint, v_since)
                and (d.fingerprint, d.died_at) <= (k.fingerprint, timestamptz 'infinity')
            order by d.fingerprint, d.died_at
            limit 10000
        ) as few
    ) as counted
    where p_kind is null or newest.kind = p_kind
    order by newest.died_at desc, newest.fingerprint
    limit least(p_limit, 1000);
end
$$;

-- What requeueing or discarding these jobs would touch, by what they died of. p_kinds and p_lives: how long
-- notifications of a kind are of use; a job that is older ends as expired when it runs again.
create or replace function gtr_jobs.preview_dead_jobs(p_job_ids bigint[], p_kinds text[], p_lives interval[])
returns table (
    fingerprint text,
    kind text,
    code text,
    error text,
    is_known_kind boolean,
    jobs bigint,
    first_died_at timestamptz,
    last_died_at timestamptz,
    expired bigint,
    to_send_again bigint,
    maybe_sent bigint,
    settled bigint
)
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    return query
    select
        d.fingerprint,
        d.kind,
        d.code,
        pg_catalog.max(d.error),
        exists (select from gtr_jobs.job_kinds as k where k.kind = d.kind),
        pg_catalog.count(*),
        pg_catalog.min(d.died_at),
        pg_catalog.max(d.died_at),
        pg_catalog.count(*) filter (where d.enqueued_at < pg_catalog.now() - l.life),
        pg_catalog.sum(s.to_send_again)::bigint,
        pg_catalog.sum(s.maybe_sent)::bigint,
        pg_catalog.sum(s.settled)::bigint
    from gtr_jobs.dead_jobs as d
    left join unnest(p_kinds, p_lives) as l (kind, life) on l.kind = d.kind
    cross join lateral (
        select
            pg_catalog.count(*) filter (
                where gtr_jobs.may_be_sent_again(v.state, v.outcome) or v.state = 'queued'
            ) as to_send_again,
            pg_catalog.count(*) filter (where v.state in ('sending', 'unknown')) as maybe_sent,
            pg_catalog.count(*) filter (
                where not gtr_jobs.may_be_sent_again(v.state, v.outcome)
                    and v.state not in ('queued', 'sending', 'unknown')
            ) as settled
        from gtr_jobs.deliveries as v
        where v.day = d.event_day and v.job_id = d.job_id
    ) as s
    where d.job_id = any(p_job_ids[1:100000])
    group by d.fingerprint, d.kind, d.code
    order by pg_catalog.count(*) desc, d.fingerprint;
end
$$;

revoke all on function gtr_jobs.list_dead_jobs(text, timestamptz, text, text, integer)
    from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.find_dead_jobs(text, timestamptz, text, text, boolean, integer)
    from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.group_dead_jobs(text, timestamptz, integer)
    from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.preview_dead_jobs(bigint[], text[], interval[])
    from public, anon, authenticated, service_role;
