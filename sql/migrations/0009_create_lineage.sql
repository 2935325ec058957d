-- does: keeps which server and timeline the ledger was last seen on, and bounds what a worker may ask
-- oldest-worker: 0.1.0
set lock_timeout = '3s';

-- One row. pulse grows with every look of every worker: a worker that remembers more than stands here knows that the
-- ledger went back in time.
create table gtr_jobs.lineage (
    only_row boolean primary key default true check (only_row),
    -- Empty or null where the server does not tell.
    server text not null,
    database_oid oid not null,
    timeline integer,
    pulse bigint not null,
    checked_at timestamptz not null default clock_timestamp(),
    -- While this is set nothing is sent.
    paused_since timestamptz,
    reasons text[] not null default '{}'
) with (fillfactor = 20);
comment on table gtr_jobs.lineage is 'Which server and timeline the ledger is on; sending is paused when it is another one';

alter table gtr_jobs.lineage enable row level security;
revoke all on gtr_jobs.lineage from public, anon, authenticated, service_role;

-- A worker whose statement has no answer for 20 seconds ends itself: what is merely slow is cancelled before.
alter role gtr_worker set statement_timeout = '15s';
