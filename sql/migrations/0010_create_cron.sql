-- does: remembers up to which tick every line of the cron tables was dealt with
-- oldest-worker: 0.1.0
set lock_timeout = '3s';

-- One row a line, whatever ran: nothing piles up here. What came of a tick's job stands in the history of jobs.
create table gtr_jobs.cron (
    name text primary key check (name ~ '^[a-z][a-z0-9_]{0,39}$'),
    -- All ticks up to this one were enqueued or left out; none of them is enqueued again.
    passed_at timestamptz not null,
    -- The newest tick that was enqueued.
    enqueued_tick timestamptz,
    watched_since timestamptz not null default now()
);
comment on table gtr_jobs.cron is 'Lines of the cron tables in code: up to which tick each was dealt with';

alter table gtr_jobs.cron enable row level security;
revoke all on gtr_jobs.cron from public, anon, authenticated, service_role;
