-- What the app has without this repository: in a real project it stands in supabase/migrations.

-- Where people can be reached. gtr-jobs asks for this table, under this name, with at least these columns.
create table public.user_device_tokens (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id) on delete cascade,
    device_token text not null,
    platform text not null check (platform in ('ios', 'android')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (user_id, device_token)
);
alter table public.user_device_tokens enable row level security;

create table public.bookings (
    id uuid primary key default gen_random_uuid(),
    customer_id uuid not null references auth.users (id) on delete cascade,
    workshop text not null,
    starts_at timestamptz not null,
    created_at timestamptz not null default now()
);
alter table public.bookings enable row level security;
