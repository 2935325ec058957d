-- does: keeps what server code was answered under a key, and what data each kind of notification takes
-- oldest-worker: 0.1.0
set lock_timeout = '3s';

create table gtr_jobs.idempotency_keys (
    rpc text not null,
    key text not null check (char_length(key) between 1 and 255),
    request_hash bytea not null,
    answer jsonb,
    created_at timestamptz not null default now(),
    primary key (rpc, key)
);
create index idempotency_keys_created_at on gtr_jobs.idempotency_keys (created_at);
comment on table gtr_jobs.idempotency_keys is 'Kept for two days: the same key and body give the same answer';

-- keys: {"listing_id": {"type": "uuid", "required": true}, ...}; every value is a text, as push data is.
create table gtr_jobs.kind_schemas (
    kind text primary key,
    title text not null,
    keys jsonb not null check (jsonb_typeof(keys) = 'object')
);
comment on table gtr_jobs.kind_schemas is 'What server code may send: the data of a kind, and its title where none is given';

alter table gtr_jobs.idempotency_keys enable row level security;
alter table gtr_jobs.kind_schemas enable row level security;
revoke all on gtr_jobs.idempotency_keys, gtr_jobs.kind_schemas from public, anon, authenticated, service_role;
