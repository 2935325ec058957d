-- does: makes the private schema and the table of what is poisonous
-- oldest-worker: 0.1.0
set lock_timeout = '3s';

create schema poison;
create table poison.doses (
    id uuid primary key default gen_random_uuid(),
    kind text not null
);
alter table poison.doses enable row level security;
revoke all on poison.doses from public, anon, authenticated, service_role;
