-- does: makes the ledger of deliveries, a partition a day, and what is known of devices
-- oldest-worker: 0.1.0
set lock_timeout = '3s';

-- The names of gtr_jobs/domain/outcome.py, in its order.
create type gtr_jobs.outcome as enum (
    'accepted',
    'rejected',
    'dead_target',
    'throttled',
    'retry',
    'misconfigured',
    'ambiguous',
    'skipped',
    'expired'
);

create type gtr_jobs.delivery_state as enum (
    'queued',
    'sending',
    'sent',
    'delivered',
    'undelivered',
    'failed',
    'skipped',
    'expired',
    'unknown'
);

-- One message to one device (or, where nobody is to get it, to one person): who, what came of it, never what it said.
create table gtr_jobs.deliveries (
    -- The UTC day of the event that caused it: a retry after midnight meets its own row.
    day date not null,
    -- Made from the kind, the row and the device: the same event reaches a device once. Also the delivery's id.
    dedupe_key uuid not null,
    kind text not null,
    channel text not null,
    provider text,
    user_id uuid,
    device_id uuid,
    state gtr_jobs.delivery_state not null,
    outcome gtr_jobs.outcome not null,
    code text not null default '',
    provider_id text,
    attempts integer not null default 1,
    resent_after_unknown boolean not null default false,
    job_id bigint not null,
    trace_id text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (day, dedupe_key)
) partition by range (day);
create table gtr_jobs.deliveries_default partition of gtr_jobs.deliveries default;
create index deliveries_user on gtr_jobs.deliveries (user_id, created_at);

-- What the app's table of tokens does not say. A device is dead as of one registration: registering again revives it.
create table gtr_jobs.devices (
    device_id uuid primary key,
    dead_since timestamptz not null,
    dead_reason text not null,
    dead_registration timestamptz not null
);

alter table gtr_jobs.deliveries enable row level security;
alter table gtr_jobs.deliveries_default enable row level security;
alter table gtr_jobs.devices enable row level security;

revoke all on all tables in schema gtr_jobs from public, anon, authenticated, service_role;
