-- does: takes jobs that are paused out of the way of others, and brings them back when the pause is over
-- requires: engine/jobs_table

create or replace function gtr_jobs.is_paused(p_scope text, p_name text)
returns boolean
language sql
stable
security definer
set search_path = ''
as $$
    select exists (
        select from gtr_jobs.switches as s
        where
            s.lever = 'pause'
            and s.scope = p_scope
            and s.name = p_name
            and (s.expires_at is null or s.expires_at > pg_catalog.clock_timestamp())
    ) or (
        p_scope = 'provider'
        and exists (
            select from gtr_jobs.provider_pauses as p
            where p.account = p_name and p.paused_until > pg_catalog.clock_timestamp()
        )
    )
$$;

-- Looks at the first p_limit jobs that are due and the first p_limit that are ready, in the order in which they are
-- claimed, and puts off those of paused kinds: no claim steps over the same job twice. Each job and its note are one
-- transaction, so none is lost. Returns how many there were.
create or replace function gtr_jobs.set_aside_paused(p_queue text, p_limit integer)
returns integer
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_paused constant text[] := array(
        select s.name
        from gtr_jobs.switches as s
        where
            s.lever = 'pause'
            and s.scope = 'kind'
            and (s.expires_at is null or s.expires_at > pg_catalog.clock_timestamp())
    );
    v_looked_at bigint[];
    v_put_off integer;
begin
    if v_paused = '{}' then
        return 0;
    end if;
    v_looked_at := array(
        select l.id
        from (
            (
                select
                    j.id,
                    j.task_name
                from procrastinate.procrastinate_jobs as j
                where
                    j.queue_name = p_queue
                    and j.status = 'todo'
                    and j.scheduled_at is not null
                    and j.scheduled_at <= pg_catalog.now()
                order by j.scheduled_at
                limit least(p_limit, 5000)
            )
            union all
            (
                select
                    j.id,
                    j.task_name
                from procrastinate.procrastinate_jobs as j
                where j.queue_name = p_queue and j.status = 'todo' and j.scheduled_at is null
                order by j.priority desc, j.id
                limit least(p_limit, 5000)
            )
        ) as l
        where l.task_name = any(v_paused)
    );
    with paused as (
        select
            j.id,
            j.task_name,
            j.claim_number,
            j.scheduled_at
        from procrastinate.procrastinate_jobs as j
        where
            j.id = any(v_looked_at)
            and j.status = 'todo'
            and (j.scheduled_at is null or j.scheduled_at <= pg_catalog.now())
        for update skip locked
    ),

    noted as (
        insert into gtr_jobs.held_jobs as known (scope, name, job_id, claim_number, scheduled_at)
        select
            'kind',
            p.task_name,
            p.id,
            p.claim_number,
            p.scheduled_at
        from paused as p
        on conflict (scope, name, job_id) do update
            set
                claim_number = excluded.claim_number,
                scheduled_at = excluded.scheduled_at
    )

    update procrastinate.procrastinate_jobs as j
    -- Further off than any retry, and a moment that every client can read.
    set scheduled_at = '9999-01-01 00:00:00+00'
    from paused as p
    where j.id = p.id;
    get diagnostics v_put_off = row_count;
    return v_put_off;
end
$$;

-- Notes that claims of a worker are about to be put off because of a pause: the end of the pause finds them.
create or replace function gtr_jobs.note_held_jobs(
    p_scope text,
    p_name text,
    p_job_ids bigint[],
    p_claim_numbers bigint[]
)
returns void
language sql
volatile
security definer
set search_path = ''
as $$
    insert into gtr_jobs.held_jobs as known (scope, name, job_id, claim_number)
    select
        p_scope,
        p_name,
        held.job_id,
        held.claim_number
    from unnest(p_job_ids, p_claim_numbers) as held (job_id, claim_number)
    order by held.job_id
    limit 1000
    on conflict (scope, name, job_id) do update
        set
            claim_number = excluded.claim_number,
            scheduled_at = excluded.scheduled_at
$$;

-- Makes at most p_limit jobs due again whose pause is over, oldest first, to where they stood. What was claimed,
-- cancelled or ended since is left as it is. Safe with many workers. Returns how many notes were done with.
create or replace function gtr_jobs.bring_back_jobs(p_limit integer)
returns integer
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_scope text;
    v_name text;
    v_some integer;
    v_all integer := 0;
begin
    for v_scope, v_name in
        -- From name to name, whatever number of jobs each has.
        with recursive held as (
            (
                select
                    h.scope,
                    h.name
                from gtr_jobs.held_jobs as h
                order by h.scope, h.name
                limit 1
            )
            union all
            select
                later.scope,
                later.name
            from held as f
            cross join lateral (
                select
                    h.scope,
                    h.name
                from gtr_jobs.held_jobs as h
                where (h.scope, h.name) > (f.scope, f.name)
                order by h.scope, h.name
                limit 1
            ) as later
        )

        select
            f.scope,
            f.name
        from held as f
        where not gtr_jobs.is_paused(f.scope, f.name)
    loop
        with freed as (
            select
                h.job_id,
                h.claim_number,
                h.scheduled_at
            from gtr_jobs.held_jobs as h
            where
                h.scope = v_scope
                and h.name = v_name
                -- Its worker has noted it, and has yet to hand it back.
                and not exists (
                    select from procrastinate.procrastinate_jobs as j
                    where j.id = h.job_id and j.status = 'doing' and j.claim_number = h.claim_number
                )
            order by h.job_id
            limit least(p_limit, 5000) - v_all
            for update of h skip locked
        ),

        due as (
            update procrastinate.procrastinate_jobs as j
            set scheduled_at = f.scheduled_at
            from freed as f
            where j.id = f.job_id and j.status = 'todo' and j.claim_number = f.claim_number
        )

        delete from gtr_jobs.held_jobs as h
        using freed as f
        where h.scope = v_scope and h.name = v_name and h.job_id = f.job_id;
        get diagnostics v_some = row_count;
        v_all := v_all + v_some;
        exit when v_all >= least(p_limit, 5000);
    end loop;
    return v_all;
end
$$;

revoke all on function gtr_jobs.is_paused(text, text) from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.set_aside_paused(text, integer) from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.note_held_jobs(text, text, bigint[], bigint[])
    from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.bring_back_jobs(integer) from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.set_aside_paused(text, integer) to gtr_worker;
grant execute on function gtr_jobs.note_held_jobs(text, text, bigint[], bigint[]) to gtr_worker;
grant execute on function gtr_jobs.bring_back_jobs(integer) to gtr_worker;
