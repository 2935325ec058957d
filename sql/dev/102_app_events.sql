-- Dev fixture (runs as postgres): the app's tables of meets, who comes and who likes them.
create table public.events (
    id uuid primary key default gen_random_uuid(),
    created_by uuid not null references auth.users (id),
    title text not null,
    description text,
    event_type text,
    country text,
    state text,
    city text,
    location text,
    latitude double precision,
    longitude double precision,
    start_date timestamptz not null,
    end_date timestamptz,
    rsvp_count integer not null default 0,
    max_attendees integer,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create index events_created_by_idx on public.events (created_by);
create index events_start_date_idx on public.events (start_date);

create table public.event_images (
    id uuid primary key default gen_random_uuid(),
    event_id uuid not null references public.events (id) on delete cascade,
    image_url text not null,
    storage_path text,
    is_primary boolean not null default false,
    display_order integer not null default 0,
    created_at timestamptz not null default now()
);

create index event_images_event_id_idx on public.event_images (event_id);

create table public.event_favorites (
    id uuid primary key default gen_random_uuid(),
    event_id uuid not null references public.events (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade,
    created_at timestamptz not null default now(),
    unique (event_id, user_id)
);

create index event_favorites_user_id_idx on public.event_favorites (user_id);

create table public.event_rsvps (
    id uuid primary key default gen_random_uuid(),
    event_id uuid not null references public.events (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade,
    status text not null default 'going',
    checked_in boolean not null default false,
    checked_in_at timestamptz,
    created_at timestamptz not null default now(),
    unique (event_id, user_id)
);

create index event_rsvps_user_id_idx on public.event_rsvps (user_id);
