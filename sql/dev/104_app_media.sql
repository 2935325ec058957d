-- Dev fixture (runs as postgres): the app's community pictures and films, what is said of them and who likes them.
create table public.community_media (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id) on delete cascade,
    model text,
    title text,
    description text,
    media_type text not null,
    media_url text not null,
    thumbnail_url text,
    storage_path text,
    file_size bigint,
    duration integer,
    view_count integer not null default 0,
    like_count integer not null default 0,
    comment_count integer not null default 0,
    tags text[],
    is_featured boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create index community_media_user_id_idx on public.community_media (user_id);

create table public.media_comments (
    id uuid primary key default gen_random_uuid(),
    media_id uuid not null references public.community_media (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade,
    content text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create index media_comments_media_id_idx on public.media_comments (media_id, created_at);
create index media_comments_user_id_idx on public.media_comments (user_id);

create table public.media_likes (
    id uuid primary key default gen_random_uuid(),
    media_id uuid not null references public.community_media (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade,
    created_at timestamptz not null default now(),
    unique (media_id, user_id)
);

create index media_likes_user_id_idx on public.media_likes (user_id);
