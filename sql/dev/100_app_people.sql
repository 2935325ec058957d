-- Dev fixture (runs as postgres): the app's tables of people, their phones and what they want to hear of.
-- The app's first tables have no `on delete cascade` towards auth.users: an account with a profile cannot simply be deleted.
create table public.profiles (
    id uuid primary key references auth.users (id),
    username text unique,
    full_name text,
    email text,
    phone_number text,
    phone_verified boolean not null default false,
    bio text,
    avatar_url text,
    location text,
    favorite_listings_count integer not null default 0,
    favorite_events_count integer not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

-- The client upserts these rows itself. Unique for a person, not for a phone: one token can stand under two accounts.
create table public.user_device_tokens (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id) on delete cascade,
    device_token text not null,
    platform text not null check (platform in ('ios', 'android')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (user_id, device_token)
);

-- Some of the app's databases have it, others do not.
create table public.phone_verification_codes (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id) on delete cascade,
    phone_number text not null,
    code text not null,
    expires_at timestamptz not null,
    attempts integer not null default 0,
    max_attempts integer not null default 5,
    last_sent_at timestamptz not null default now(),
    verified_at timestamptz,
    created_at timestamptz not null default now()
);

create index phone_verification_codes_user_id_idx on public.phone_verification_codes (user_id);
create unique index phone_verification_codes_open_idx on public.phone_verification_codes (phone_number) where verified_at is null;

-- Planned by the app: a person without a row has the defaults.
create table public.notification_preferences (
    user_id uuid primary key references auth.users (id) on delete cascade,
    push_general boolean not null default true,
    push_messages boolean not null default true,
    push_comments boolean not null default true,
    push_replies boolean not null default true,
    push_events boolean not null default true,
    push_likes boolean not null default true,
    email_news boolean not null default false,
    email_updates boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
