-- does: keeps which server and timeline the ledger was last seen on, and bounds what a worker may ask
-- oldest-worker: 0.1.0
set lock_timeout = '3s';

-- One row.
create table gtr_jobs.lineage (
    only_row boolean primary key default true check (only_row),
    -- Empty or null where the server does not tell.
    server text not null,
    database_oid oid not null,
    timeline integer,
    -- Where the witnesses' counting goes on after an operator let sending go on.
    pulse_floor bigint not null default 0,
    -- While this is set nothing is sent.
    paused_since timestamptz,
    reasons text[] not null default '{}'
);
comment on table gtr_jobs.lineage is 'Which server and timeline the ledger is on; sending is paused when it is another one';

-- One row a worker process (or a file that outlives it). Its pulse grows with every look that it takes, and nobody
-- else makes it grow: who remembers more of its own than stands here knows that the ledger went back in time.
create table gtr_jobs.lineage_witnesses (
    witness uuid primary key,
    pulse bigint not null,
    seen_on date not null
) with (fillfactor = 20);
create index lineage_witnesses_seen_on on gtr_jobs.lineage_witnesses (seen_on);
comment on table gtr_jobs.lineage_witnesses is 'How often each worker has looked at this database';

alter table gtr_jobs.lineage enable row level security;
alter table gtr_jobs.lineage_witnesses enable row level security;
revoke all on gtr_jobs.lineage from public, anon, authenticated, service_role;
revoke all on gtr_jobs.lineage_witnesses from public, anon, authenticated, service_role;

-- A worker whose statement has no answer for 20 seconds ends itself: what is merely slow is cancelled before.
alter role gtr_worker set statement_timeout = '15s';
