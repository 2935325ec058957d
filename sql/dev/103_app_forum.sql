-- Dev fixture (runs as postgres): the app's forum, what is said there and who likes it.
create table public.forum_posts (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id) on delete cascade,
    model text,
    title text not null,
    content text not null,
    image_urls text[],
    like_count integer not null default 0,
    comment_count integer not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create index forum_posts_user_id_idx on public.forum_posts (user_id);

create table public.forum_comments (
    id uuid primary key default gen_random_uuid(),
    post_id uuid not null references public.forum_posts (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade,
    content text not null,
    parent_comment_id uuid references public.forum_comments (id) on delete cascade,
    reply_count integer not null default 0,
    like_count integer not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create index forum_comments_post_id_idx on public.forum_comments (post_id, created_at);
create index forum_comments_user_id_idx on public.forum_comments (user_id);
create index forum_comments_parent_comment_id_idx on public.forum_comments (parent_comment_id);

create table public.post_likes (
    id uuid primary key default gen_random_uuid(),
    post_id uuid not null references public.forum_posts (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade,
    created_at timestamptz not null default now(),
    unique (post_id, user_id)
);

create index post_likes_user_id_idx on public.post_likes (user_id);

create table public.comment_likes (
    id uuid primary key default gen_random_uuid(),
    comment_id uuid not null references public.forum_comments (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade,
    created_at timestamptz not null default now(),
    unique (comment_id, user_id)
);

create index comment_likes_user_id_idx on public.comment_likes (user_id);

-- Planned by the app: who does not want to hear of a post any more.
create table public.forum_notification_mutes (
    user_id uuid not null references auth.users (id) on delete cascade,
    post_id uuid not null references public.forum_posts (id) on delete cascade,
    muted boolean not null default true,
    created_at timestamptz not null default now(),
    primary key (user_id, post_id)
);

create index forum_notification_mutes_post_id_idx on public.forum_notification_mutes (post_id);
