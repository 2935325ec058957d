-- Dev fixture (runs as postgres): what the app's own database does by itself: it gives a new account its profile, and
-- writes a notification for whoever a like, a comment or an answer is meant.
-- It does nothing of the kind for a chat message.

-- The app's hole, kept as it is: a definer function that anybody with the public key may call, for anybody.
create function public.create_notification(p_user_id uuid, p_type text, p_title text, p_body text, p_data jsonb default '{}')
returns uuid
language plpgsql
security definer
set search_path = ''
as $$
declare
    v_id uuid;
begin
    insert into public.notifications (user_id, type, title, body, data)
    values (p_user_id, p_type, p_title, p_body, coalesce(p_data, '{}'))
    returning id into v_id;
    return v_id;
end
$$;

create function public.display_name(p_user_id uuid)
returns text
language sql
stable
set search_path = ''
as $$
    select coalesce(
        (
            select coalesce(nullif(profiles.full_name, ''), nullif(profiles.username, ''))
            from public.profiles
            where profiles.id = p_user_id
        ),
        'Someone'
    )
$$;

create function public.notify_listing_favorited()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    v_listing record;
begin
    select listings.user_id, listings.title into v_listing from public.listings where listings.id = new.listing_id;
    if v_listing.user_id <> new.user_id then
        perform public.create_notification(
            v_listing.user_id,
            'listing_favorited',
            'Your listing was favorited',
            pg_catalog.format('%s likes "%s"', public.display_name(new.user_id), v_listing.title),
            pg_catalog.jsonb_build_object('listing_id', new.listing_id, 'user_id', new.user_id, 'favorite_id', new.id)
        );
    end if;
    return null;
end
$$;

create function public.notify_event_favorited()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    v_event record;
begin
    select events.created_by, events.title into v_event from public.events where events.id = new.event_id;
    if v_event.created_by <> new.user_id then
        perform public.create_notification(
            v_event.created_by,
            'event_favorited',
            'Your event was favorited',
            pg_catalog.format('%s likes "%s"', public.display_name(new.user_id), v_event.title),
            pg_catalog.jsonb_build_object('event_id', new.event_id, 'user_id', new.user_id, 'favorite_id', new.id)
        );
    end if;
    return null;
end
$$;

create function public.notify_event_rsvp()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    v_event record;
begin
    select events.created_by, events.title into v_event from public.events where events.id = new.event_id;
    if v_event.created_by <> new.user_id then
        perform public.create_notification(
            v_event.created_by,
            'event_rsvp',
            'New RSVP',
            pg_catalog.format('%s answered "%s" to "%s"', public.display_name(new.user_id), new.status, v_event.title),
            pg_catalog.jsonb_build_object('event_id', new.event_id, 'user_id', new.user_id, 'rsvp_id', new.id, 'status', new.status)
        );
    end if;
    return null;
end
$$;

create function public.notify_forum_comment()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    v_post record;
begin
    select forum_posts.user_id, forum_posts.title into v_post from public.forum_posts where forum_posts.id = new.post_id;
    if v_post.user_id <> new.user_id then
        perform public.create_notification(
            v_post.user_id,
            'forum_comment',
            'New comment',
            pg_catalog.format('%s commented on "%s"', public.display_name(new.user_id), v_post.title),
            pg_catalog.jsonb_build_object('post_id', new.post_id, 'comment_id', new.id, 'user_id', new.user_id)
        );
    end if;
    return null;
end
$$;

create function public.notify_forum_reply()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    v_parent_author uuid;
begin
    select forum_comments.user_id into v_parent_author from public.forum_comments where forum_comments.id = new.parent_comment_id;
    if v_parent_author <> new.user_id then
        perform public.create_notification(
            v_parent_author,
            'forum_reply',
            'New reply',
            pg_catalog.format('%s replied to your comment', public.display_name(new.user_id)),
            pg_catalog.jsonb_build_object(
                'post_id', new.post_id, 'comment_id', new.id, 'parent_comment_id', new.parent_comment_id, 'user_id', new.user_id
            )
        );
    end if;
    return null;
end
$$;

create function public.notify_forum_like()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    v_post record;
begin
    select forum_posts.user_id, forum_posts.title into v_post from public.forum_posts where forum_posts.id = new.post_id;
    if v_post.user_id <> new.user_id then
        perform public.create_notification(
            v_post.user_id,
            'forum_like',
            'New like',
            pg_catalog.format('%s likes "%s"', public.display_name(new.user_id), v_post.title),
            pg_catalog.jsonb_build_object('post_id', new.post_id, 'user_id', new.user_id, 'like_id', new.id)
        );
    end if;
    return null;
end
$$;

-- Who signs up has a profile from then on, of what the client said of them.
create function public.handle_new_user()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    insert into public.profiles (id, username, full_name, email)
    values (new.id, new.raw_user_meta_data ->> 'username', new.raw_user_meta_data ->> 'full_name', new.email);
    return null;
end
$$;

create function public.set_updated_at()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
    new.updated_at := pg_catalog.now();
    return new;
end
$$;

create trigger on_auth_user_created after insert on auth.users
for each row execute function public.handle_new_user();

create trigger notify_listing_favorited after insert on public.listing_favorites
for each row execute function public.notify_listing_favorited();

create trigger notify_event_favorited after insert on public.event_favorites
for each row execute function public.notify_event_favorited();

create trigger notify_event_rsvp after insert on public.event_rsvps
for each row execute function public.notify_event_rsvp();

create trigger notify_forum_comment after insert on public.forum_comments
for each row execute function public.notify_forum_comment();

create trigger notify_forum_reply after insert on public.forum_comments
for each row when (new.parent_comment_id is not null) execute function public.notify_forum_reply();

create trigger notify_forum_like after insert on public.post_likes
for each row execute function public.notify_forum_like();

do $$
declare
    v_table name;
begin
    for v_table in
        select columns.table_name
        from information_schema.columns
        where columns.table_schema = 'public' and columns.column_name = 'updated_at'
    loop
        execute pg_catalog.format(
            'create trigger set_updated_at before update on public.%I for each row execute function public.set_updated_at()', v_table
        );
    end loop;
end
$$;

-- As old default grants left them: nobody took anything away.
grant execute on all functions in schema public to anon, authenticated, service_role;
