-- Dev fixture (runs as postgres): the app's row level security, and the grants that its tables have had since before they stopped coming by themselves.
do $$
declare
    v_table name;
begin
    for v_table in select tablename from pg_catalog.pg_tables where schemaname = 'public'
    loop
        execute pg_catalog.format('alter table public.%I enable row level security', v_table);
    end loop;

    -- What everybody may see.
    foreach v_table in array array[
        'profiles', 'listings', 'listing_images', 'listing_favorites', 'events', 'event_images', 'event_favorites', 'event_rsvps',
        'forum_posts', 'forum_comments', 'post_likes', 'comment_likes', 'community_media', 'media_comments', 'media_likes'
    ]
    loop
        execute pg_catalog.format('create policy "Everyone can read" on public.%I for select using (true)', v_table);
    end loop;

    -- What only its owner may see.
    foreach v_table in array array['user_device_tokens', 'notification_preferences', 'forum_notification_mutes', 'saved_searches', 'notifications']
    loop
        execute pg_catalog.format('create policy "People read their own" on public.%I for select using (user_id = (select auth.uid()))', v_table);
    end loop;

    -- What its owner writes.
    foreach v_table in array array[
        'user_device_tokens', 'notification_preferences', 'forum_notification_mutes', 'saved_searches', 'listings', 'listing_favorites',
        'event_favorites', 'event_rsvps', 'forum_posts', 'forum_comments', 'post_likes', 'comment_likes', 'community_media', 'media_comments',
        'media_likes'
    ]
    loop
        execute pg_catalog.format('create policy "People add their own" on public.%I for insert with check (user_id = (select auth.uid()))', v_table);
        execute pg_catalog.format('create policy "People change their own" on public.%I for update using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()))', v_table);
        execute pg_catalog.format('create policy "People delete their own" on public.%I for delete using (user_id = (select auth.uid()))', v_table);
    end loop;
end
$$;

create policy "People add their own" on public.profiles for insert with check (id = (select auth.uid()));
create policy "People change their own" on public.profiles for update
using (id = (select auth.uid())) with check (id = (select auth.uid()));

create policy "People add their own" on public.events for insert with check (created_by = (select auth.uid()));
create policy "People change their own" on public.events for update
using (created_by = (select auth.uid())) with check (created_by = (select auth.uid()));
create policy "People delete their own" on public.events for delete using (created_by = (select auth.uid()));

create policy "Sellers add pictures" on public.listing_images for insert
with check (exists (select from public.listings where listings.id = listing_id and listings.user_id = (select auth.uid())));
create policy "Sellers delete pictures" on public.listing_images for delete
using (exists (select from public.listings where listings.id = listing_id and listings.user_id = (select auth.uid())));

create policy "Hosts add pictures" on public.event_images for insert
with check (exists (select from public.events where events.id = event_id and events.created_by = (select auth.uid())));
create policy "Hosts delete pictures" on public.event_images for delete
using (exists (select from public.events where events.id = event_id and events.created_by = (select auth.uid())));

create policy "Participants read" on public.conversations for select
using ((select auth.uid()) in (user1_id, user2_id));
create policy "Participants begin" on public.conversations for insert
with check ((select auth.uid()) in (user1_id, user2_id));
create policy "Participants change" on public.conversations for update
using ((select auth.uid()) in (user1_id, user2_id)) with check ((select auth.uid()) in (user1_id, user2_id));

create policy "Participants read" on public.messages for select
using ((select auth.uid()) in (sender_id, recipient_id));
create policy "Senders write to the other one of the two" on public.messages for insert
with check (
    sender_id = (select auth.uid())
    and exists (
        select
        from public.conversations
        where
            conversations.id = conversation_id
            and (conversations.user1_id, conversations.user2_id) = (least(sender_id, recipient_id), greatest(sender_id, recipient_id))
    )
);
create policy "Recipients mark as read" on public.messages for update
using (recipient_id = (select auth.uid())) with check (recipient_id = (select auth.uid()));

-- The app's hole, kept as it is: anybody with the public key may write a notification for anybody.
create policy "System can create notifications" on public.notifications for insert with check (true);
create policy "People change their own" on public.notifications for update
using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy "People delete their own" on public.notifications for delete using (user_id = (select auth.uid()));

grant all on all tables in schema public to anon, authenticated, service_role;
