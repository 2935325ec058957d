-- Dev fixture (runs as postgres): the app's tables of cars for sale, who likes them and who looks for them.
create table public.listings (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id) on delete cascade,
    title text not null,
    model text,
    year integer,
    price numeric(12, 2),
    mileage integer,
    description text,
    condition text,
    country text,
    city text,
    state text,
    zip_code text,
    street_address text,
    location text,
    vin text,
    color text,
    transmission text,
    fuel_type text,
    drive_type text,
    horsepower integer,
    status text not null default 'active',
    search_vector tsvector generated always as (
        pg_catalog.to_tsvector(
            'pg_catalog.english',
            coalesce(title, '') || ' ' || coalesce(model, '') || ' ' || coalesce(description, '')
        )
    ) stored,
    sold_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create index listings_user_id_idx on public.listings (user_id);
create index listings_status_created_at_idx on public.listings (status, created_at desc);
create index listings_search_vector_idx on public.listings using gin (search_vector);

create table public.listing_images (
    id uuid primary key default gen_random_uuid(),
    listing_id uuid not null references public.listings (id) on delete cascade,
    image_url text not null,
    storage_path text,
    is_primary boolean not null default false,
    display_order integer not null default 0,
    created_at timestamptz not null default now()
);

create index listing_images_listing_id_idx on public.listing_images (listing_id);

create table public.listing_favorites (
    id uuid primary key default gen_random_uuid(),
    listing_id uuid not null references public.listings (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade,
    created_at timestamptz not null default now(),
    unique (listing_id, user_id)
);

create index listing_favorites_user_id_idx on public.listing_favorites (user_id);

create table public.saved_searches (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id) on delete cascade,
    search_name text,
    search_query text,
    model text,
    min_price numeric(12, 2),
    max_price numeric(12, 2),
    min_year integer,
    max_year integer,
    condition text[],
    city text,
    state text,
    location text,
    transmission text[],
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create index saved_searches_user_id_idx on public.saved_searches (user_id);
