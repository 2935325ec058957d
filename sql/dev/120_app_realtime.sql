-- Dev fixture (runs as postgres): the tables whose changes the app's clients follow live.
alter publication supabase_realtime add table public.conversations;
alter publication supabase_realtime add table public.messages;
alter publication supabase_realtime add table public.notifications;
alter publication supabase_realtime add table public.listings;
alter publication supabase_realtime add table public.listing_favorites;
alter publication supabase_realtime add table public.events;
alter publication supabase_realtime add table public.event_rsvps;
alter publication supabase_realtime add table public.event_favorites;
alter publication supabase_realtime add table public.forum_posts;
alter publication supabase_realtime add table public.forum_comments;
alter publication supabase_realtime add table public.post_likes;
alter publication supabase_realtime add table public.community_media;
alter publication supabase_realtime add table public.media_comments;
alter publication supabase_realtime add table public.media_likes;
