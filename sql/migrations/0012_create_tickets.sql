-- does: makes the table of Expo's tickets that wait for their receipt
-- oldest-worker: 0.1.0
set lock_timeout = '3s';

-- One row a delivery, written with its ack and gone with its receipt. Ids only: neither content nor token.
create table gtr_jobs.expo_tickets (
    day date not null,
    dedupe_key uuid not null,
    -- Expo's name for the push.
    ticket_id text not null,
    device_id uuid not null,
    -- The registration that was used: what a dead device is dead as of.
    registered_at timestamptz not null,
    -- Of the job: so that the same push can be tried again, under its own age and day.
    kind text not null,
    args jsonb not null,
    trace_id text not null,
    enqueued_at timestamptz not null,
    sent_at timestamptz not null default now(),
    -- Since when it waits to be asked for: since it was sent, or since somebody took it to ask.
    waits_since timestamptz not null default now(),
    asked integer not null default 0,
    primary key (day, dedupe_key)
);
comment on table gtr_jobs.expo_tickets is 'Pushes that Expo took, and of which it has not said what became of them';
-- Those that have waited longest are asked for first.
create index expo_tickets_waiting on gtr_jobs.expo_tickets (waits_since);

alter table gtr_jobs.expo_tickets enable row level security;
revoke all on gtr_jobs.expo_tickets from public, anon, authenticated, service_role;
