-- does: keeps the register of living workers, and gives the jobs of dead ones back
-- requires: engine/jobs_table

create or replace function gtr_jobs.register_worker()
returns bigint
language sql
volatile
security definer
set search_path = ''
as $$
    insert into procrastinate.procrastinate_workers default values returning id
$$;

-- Says that a worker lives. Returns false where it was given up for dead: its claims are gone, it must register anew.
create or replace function gtr_jobs.beat_heart(p_worker_id bigint)
returns boolean
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
    update procrastinate.procrastinate_workers as w
    set last_heartbeat = pg_catalog.now()
    where w.id = p_worker_id;
    return found;
end
$$;

-- Takes a worker off the register. Jobs that it still holds become those of a dead worker, and are rescued.
create or replace function gtr_jobs.unregister_worker(p_worker_id bigint)
returns void
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
    delete from gtr_jobs.sleeping_workers as s where s.worker_id = p_worker_id;
    delete from procrastinate.procrastinate_workers as w where w.id = p_worker_id;
end
$$;

-- Gives back at most p_limit jobs whose worker is gone or silent for p_silence; a job that took three workers with it
-- is dead. One statement, safe with many rescuers. Returns the jobs and whether each runs again.
create or replace function gtr_jobs.rescue_jobs(p_silence interval, p_limit integer)
returns table (job_id bigint, runs_again boolean)
language plpgsql
security definer
set search_path = ''
as $$
begin
    return query
    with lost as (
        select j.id
        from procrastinate.procrastinate_jobs as j
        left join procrastinate.procrastinate_workers as w on w.id = j.worker_id
        where
            j.status = 'doing'
            and (w.id is null or w.last_heartbeat < pg_catalog.now() - p_silence)
        order by j.id
        limit least(p_limit, 1000)
        for update of j skip locked
    ),

    given_back as (
        update procrastinate.procrastinate_jobs as j
        set
            status = 'todo',
            worker_id = null,
            lost_claims = j.lost_claims + 1,
            rescues = j.rescues + 1,
            queueing_lock = null
        from lost as l
        where j.id = l.id and j.rescues < 2
        returning j.id
    ),

    quarantined as (
        delete from procrastinate.procrastinate_jobs as j
        using lost as l
        where j.id = l.id and j.rescues >= 2
        returning j.*
    ),

    buried as (
        insert into gtr_jobs.dead_jobs (
            job_id, queue, kind, args, attempts, code, error, fingerprint, trace_id, event_day, enqueued_at,
            claim_number, lost_claims
        )
        select
            q.id,
            q.queue_name,
            q.task_name,
            q.args,
            q.attempts,
            'quarantined',
            'three workers ended while they held this job',
            pg_catalog.md5(q.queue_name || '/' || q.task_name || '/quarantined'),
            q.trace_id,
            q.event_day,
            q.enqueued_at,
            q.claim_number,
            -- With the claim that it did not outlive.
            q.lost_claims + 1
        from quarantined as q
        returning dead_jobs.job_id
    ),

    -- Whether a provider was called for it, nobody will find out by itself any more.
    given_up as (
        update gtr_jobs.deliveries as d
        set
            state = 'unknown',
            outcome = 'ambiguous',
            code = 'quarantined',
            updated_at = pg_catalog.now()
        from quarantined as q
        where d.day = q.event_day and d.job_id = q.id and d.state = 'sending'
    ),

    remembered as (
        insert into gtr_jobs.job_history (day, job_id, queue, kind, ended, attempts, trace_id, enqueued_at)
        select
            q.event_day,
            q.id,
            q.queue_name,
            q.task_name,
            'dead',
            q.attempts,
            q.trace_id,
            q.enqueued_at
        from quarantined as q
    )

    select g.id, true from given_back as g
    union all
    select b.job_id, false from buried as b;

    delete from gtr_jobs.sleeping_workers as s
    where not exists (
        select from procrastinate.procrastinate_workers as w
        where w.id = s.worker_id and w.last_heartbeat >= pg_catalog.now() - p_silence
    );
    delete from procrastinate.procrastinate_workers as w
    where
        w.last_heartbeat < pg_catalog.now() - p_silence
        and not exists (
            select from procrastinate.procrastinate_jobs as j
            where j.worker_id = w.id and j.status = 'doing'
        );
end
$$;

-- The rescuer looks for jobs that are being done, whoever does them.
create index if not exists gtr_jobs_doing
    on procrastinate.procrastinate_jobs (id)
    where status = 'doing';

revoke all on function gtr_jobs.register_worker() from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.beat_heart(bigint) from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.unregister_worker(bigint) from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.rescue_jobs(interval, integer) from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.register_worker() to gtr_worker;
grant execute on function gtr_jobs.beat_heart(bigint) to gtr_worker;
grant execute on function gtr_jobs.unregister_worker(bigint) to gtr_worker;
grant execute on function gtr_jobs.rescue_jobs(interval, integer) to gtr_worker;
