-- does: makes the tables beside the queue: kinds, errors of enqueueing, sleepers, the dead and the history
-- oldest-worker: 0.1.0
set lock_timeout = '3s';

-- One job that somebody wants done; made by gtr_jobs.job(), taken by gtr_jobs.enqueue().
create type gtr_jobs.job_request as (
    kind text,
    args jsonb,
    key text,
    run_at timestamptz
);

-- How a claimed job leaves its worker.
create type gtr_jobs.job_end as enum ('done', 'retry', 'release', 'dead');

create table gtr_jobs.job_kinds (
    kind text primary key,
    queue text not null check (octet_length(queue) between 1 and 40),
    produced_by text not null,
    priority integer not null default 0,
    max_attempts integer not null check (max_attempts between 1 and 100)
);
comment on table gtr_jobs.job_kinds is 'Every kind of job, its queue and its limits; a kind that is not here is refused';

-- A trigger of ours never fails the app's statement: what it could not do stands here.
create table gtr_jobs.enqueue_errors (
    id bigint generated always as identity primary key,
    source text not null,
    sqlstate text not null,
    message text not null,
    context text not null,
    trace_id text,
    failed_at timestamptz not null default clock_timestamp()
);
create index enqueue_errors_failed_at on gtr_jobs.enqueue_errors (failed_at);

-- Who waits for a NOTIFY. Unlogged: after a crash nobody sleeps, and workers say so again.
create unlogged table gtr_jobs.sleeping_workers (
    queue text not null,
    worker_id bigint not null,
    asleep_at timestamptz not null default clock_timestamp(),
    primary key (queue, worker_id)
);

create table gtr_jobs.dead_jobs (
    job_id bigint primary key,
    queue text not null,
    kind text not null,
    args jsonb not null,
    attempts integer not null,
    code text not null,
    error text not null,
    fingerprint text not null,
    trace_id text not null,
    event_day date not null,
    enqueued_at timestamptz not null,
    died_at timestamptz not null default now()
);
create index dead_jobs_queue on gtr_jobs.dead_jobs (queue, died_at);
create index dead_jobs_fingerprint on gtr_jobs.dead_jobs (fingerprint, died_at);

-- What an operator may ask of a job that has left the queue. Job arguments are not kept.
create table gtr_jobs.job_history (
    day date not null,
    job_id bigint not null,
    queue text not null,
    kind text not null,
    ended gtr_jobs.job_end not null,
    attempts integer not null,
    trace_id text not null,
    enqueued_at timestamptz not null,
    ended_at timestamptz not null default now(),
    primary key (day, job_id)
) partition by range (day);
create table gtr_jobs.job_history_default partition of gtr_jobs.job_history default;

alter table gtr_jobs.job_kinds enable row level security;
alter table gtr_jobs.enqueue_errors enable row level security;
alter table gtr_jobs.sleeping_workers enable row level security;
alter table gtr_jobs.dead_jobs enable row level security;
alter table gtr_jobs.job_history enable row level security;
alter table gtr_jobs.job_history_default enable row level security;

revoke all on all tables in schema gtr_jobs from public, anon, authenticated, service_role;
revoke all on all sequences in schema gtr_jobs from public, anon, authenticated, service_role;
