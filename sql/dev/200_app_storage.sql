-- Dev fixture (runs as supabase_admin): the app's buckets and who may put files there. On Supabase postgres makes these policies, which the
-- platform lets it do on tables that it does not own; plain Postgres lets their owner only.
insert into storage.buckets (id, name, public, file_size_limit)
values
('avatars', 'avatars', true, 2097152),
('listing-images', 'listing-images', true, 10485760),
('event-images', 'event-images', true, 10485760),
('forum-images', 'forum-images', true, 10485760),
('garage-images', 'garage-images', true, 10485760),
('message-images', 'message-images', false, 10485760),
('community-media', 'community-media', true, 52428800);

-- message-images is meant to be private, and the app lets everyone read it all the same.
create policy "Everyone can read" on storage.objects for select
using (bucket_id in (select buckets.id from storage.buckets));
create policy "Everyone can read" on storage.buckets for select using (true);

create policy "People add files under their own id" on storage.objects for insert to authenticated
with check ((storage.foldername(name))[1] = (select auth.uid())::text);
create policy "People change files under their own id" on storage.objects for update to authenticated
using ((storage.foldername(name))[1] = (select auth.uid())::text)
with check ((storage.foldername(name))[1] = (select auth.uid())::text);
create policy "People delete files under their own id" on storage.objects for delete to authenticated
using ((storage.foldername(name))[1] = (select auth.uid())::text);
