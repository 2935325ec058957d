-- does: makes the app's private schema and its table of slips
-- oldest-worker: 0.1.0
set lock_timeout = '3s';

-- Not among the schemas that the API exposes.
create schema garage;
grant usage on schema garage to gtr_worker;

create table garage.slips (
    booking_id uuid primary key references public.bookings (id) on delete cascade,
    number bigint generated always as identity,
    written_at timestamptz not null default now()
);

-- Nobody but its owner: the worker goes through functions that are granted to it.
alter table garage.slips enable row level security;
revoke all on garage.slips from public, anon, authenticated, service_role;
