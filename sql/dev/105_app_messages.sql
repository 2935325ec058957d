-- Dev fixture (runs as postgres): the app's chat and its list of notifications.
-- A pair of people has one conversation, whoever began it: the smaller id comes first.
create table public.conversations (
    id uuid primary key default gen_random_uuid(),
    user1_id uuid not null references auth.users (id) on delete cascade,
    user2_id uuid not null references auth.users (id) on delete cascade,
    last_message_at timestamptz,
    last_message_preview text,
    user1_unread_count integer not null default 0,
    user2_unread_count integer not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    check (user1_id < user2_id),
    unique (user1_id, user2_id)
);

create index conversations_user2_id_idx on public.conversations (user2_id);

create table public.messages (
    id uuid primary key default gen_random_uuid(),
    conversation_id uuid not null references public.conversations (id) on delete cascade,
    sender_id uuid not null references auth.users (id) on delete cascade,
    recipient_id uuid not null references auth.users (id) on delete cascade,
    content text,
    image_url text,
    is_read boolean not null default false,
    read_at timestamptz,
    created_at timestamptz not null default now()
);

create index messages_conversation_id_idx on public.messages (conversation_id, created_at);
create index messages_sender_id_idx on public.messages (sender_id);
create index messages_unread_idx on public.messages (recipient_id) where not is_read;

create table public.notifications (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id) on delete cascade,
    type text not null,
    title text not null,
    body text,
    data jsonb not null default '{}',
    is_read boolean not null default false,
    read_at timestamptz,
    created_at timestamptz not null default now()
);

create index notifications_user_id_idx on public.notifications (user_id, created_at desc);
create index notifications_unread_idx on public.notifications (user_id) where not is_read;
