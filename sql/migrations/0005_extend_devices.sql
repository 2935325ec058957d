-- does: keeps of every device what the app's table lacks, and of every token whose it is
-- oldest-worker: 0.1.0
set lock_timeout = '3s';

-- Until now a row was there for a dead device only.
alter table gtr_jobs.devices
    alter column dead_since drop not null,
    alter column dead_reason drop not null,
    alter column dead_registration drop not null,
    add column user_id uuid,
    -- Finds the other accounts of the same device; the token itself stays in the app's table alone.
    add column token_hash bytea,
    add column kind text check (kind in ('fcm_token', 'fcm_fid', 'apns', 'expo')),
    -- Where it registered, as this database called itself then: a restored copy has phones of the original's people.
    add column environment text,
    add column locale text,
    add column time_zone text,
    add column app_version text,
    add column seen_at timestamptz,
    -- Why nothing is sent to it, although its provider may know it; registering again lifts it or gives the reason anew.
    add column silent_since timestamptz,
    add column silent_reason text check (
        silent_reason in ('token_format', 'other_installation', 'too_many_owners', 'other_account', 'retired')
    ),
    add constraint devices_dead check (
        (dead_since is null) = (dead_registration is null) and (dead_since is null) = (dead_reason is null)
    ),
    add constraint devices_silent check ((silent_since is null) = (silent_reason is null));

-- The devices of a person that are sent to, newest last. What a script piled up is not among them.
create index devices_living on gtr_jobs.devices (user_id, seen_at)
    where silent_reason is null and (dead_registration is null or dead_registration < seen_at);
create index devices_token on gtr_jobs.devices (token_hash);

-- A token belongs to the last account that registered it. This outlives the app's rows: deleting and registering
-- again neither starts the count of changes anew nor forgets the installation.
create table gtr_jobs.token_owners (
    token_hash bytea primary key,
    user_id uuid not null,
    installation_hash bytea,
    seen_at timestamptz not null,
    changed_on date,
    changes integer not null default 0
);
create index token_owners_seen_at on gtr_jobs.token_owners (seen_at);

alter table gtr_jobs.token_owners enable row level security;
revoke all on gtr_jobs.token_owners from public, anon, authenticated, service_role;

-- To call what stands behind the RPCs in public. Each function is granted by itself, and no table is.
grant usage on schema gtr_jobs to authenticated, service_role;
