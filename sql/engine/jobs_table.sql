-- does: gives procrastinate's jobs table our columns and indexes, and takes away what we replace

-- claim_number fences: it grows with every claim, and an ack must bring the number that its claim got.
-- lost_claims counts the claims whose end nobody knows: what such a claim sent may be sent again.
-- rescues counts those of them that ended with their worker.
alter table procrastinate.procrastinate_jobs
    add column if not exists claim_number bigint not null default 0,
    add column if not exists lost_claims integer not null default 0,
    add column if not exists rescues integer not null default 0,
    add column if not exists enqueued_at timestamptz not null default now(),
    add column if not exists event_day date not null default ((now() at time zone 'utc')::date),
    add column if not exists trace_id text not null default replace(gen_random_uuid()::text, '-', '');

-- Ready rows, in the order in which they are claimed; scheduled rows, in the order in which they fall due.
create index if not exists gtr_jobs_ready
    on procrastinate.procrastinate_jobs (queue_name, priority desc, id)
    where status = 'todo' and scheduled_at is null;
create index if not exists gtr_jobs_scheduled
    on procrastinate.procrastinate_jobs (queue_name, scheduled_at)
    where status = 'todo' and scheduled_at is not null;

-- Room in a page serves no update here: every one changes what an index stands on.
alter table procrastinate.procrastinate_jobs reset (fillfactor);
alter table procrastinate.procrastinate_jobs set (
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 1
);

-- A NOTIFY a row serialises all commits of the database, and the event rows triple what a job writes.
-- The triggers are disabled, not dropped: on Supabase, DROP TRIGGER locks the tables of auth and storage.
do $$
declare
    v_trigger text;
begin
    foreach v_trigger in array array[
        'procrastinate_jobs_notify_queue_job_inserted_v1',
        'procrastinate_trigger_status_events_insert_v1',
        'procrastinate_trigger_status_events_update_v1',
        'procrastinate_trigger_scheduled_events_v1',
        'procrastinate_trigger_abort_requested_events_v1',
        'procrastinate_trigger_delete_jobs_v1'
    ]
    loop
        execute format('alter table procrastinate.procrastinate_jobs disable trigger %I', v_trigger);
    end loop;
end
$$;

-- Every delete would look for rows in tables that stay empty, and every claim for its worker, row by row.
alter table procrastinate.procrastinate_events drop constraint if exists procrastinate_events_job_id_fkey;
alter table procrastinate.procrastinate_periodic_defers
    drop constraint if exists procrastinate_periodic_defers_job_id_fkey;
alter table procrastinate.procrastinate_jobs drop constraint if exists procrastinate_jobs_worker_id_fkey;

-- What our claims never want. They are worse than a cost: the one by priority looks cheap to the planner, and leads
-- through all that waits in other queues or for later.
drop index if exists procrastinate.procrastinate_jobs_queue_name_idx_v1;
drop index if exists procrastinate.procrastinate_jobs_priority_idx_v1;
drop index if exists procrastinate.procrastinate_jobs_id_lock_idx_v1;
-- Who does what is asked of those that are being done, which have an index of their own.
drop index if exists procrastinate.idx_procrastinate_jobs_worker_not_null;

-- One job a lock at a time is still the law for who sets a lock; the jobs that set none pay nothing for it.
create unique index if not exists gtr_jobs_lock
    on procrastinate.procrastinate_jobs (lock)
    where status = 'doing' and lock is not null;
drop index if exists procrastinate.procrastinate_jobs_lock_idx_v1;

-- An unqualified name inside a function is looked up where its caller says; ours say nowhere.
do $$
declare
    v_function regprocedure;
begin
    for v_function in
        select p.oid::regprocedure
        from pg_catalog.pg_proc as p
        where p.pronamespace = 'procrastinate'::regnamespace
    loop
        execute format('alter function %s set search_path = procrastinate, pg_temp', v_function);
    end loop;
end
$$;

revoke all on schema procrastinate from public, anon, authenticated, service_role;
revoke all on all tables in schema procrastinate from public, anon, authenticated, service_role;
revoke all on all sequences in schema procrastinate from public, anon, authenticated, service_role;
revoke all on all functions in schema procrastinate from public, anon, authenticated, service_role;
