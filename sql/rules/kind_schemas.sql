-- does: lists what server code may send: the data that each kind of notification takes, and its title by default

-- The kinds of public.notifications. A chat message is sent by writing it, not by notifying of it.
insert into gtr_jobs.kind_schemas (kind, title, keys)
select
    s.kind,
    s.title,
    (
        select pg_catalog.jsonb_object_agg(named.key, named.rule)
        from (
            select
                r.key,
                '{"type": "uuid", "required": true}'::jsonb as rule
            from unnest(s.required_ids) as r (key)
            union all
            select
                o.key,
                '{"type": "uuid", "required": false}'::jsonb
            from unnest(s.optional_ids) as o (key)
            union all
            select
                t.key,
                '{"type": "text", "required": false}'::jsonb
            from unnest(s.optional_texts) as t (key)
        ) as named
    )
from (
    values
    ('listing_favorited', 'Your listing was favorited', '{listing_id}'::text[], '{user_id,favorite_id}'::text[], '{}'::text[]),
    ('event_favorited', 'Your event was favorited', '{event_id}', '{user_id,favorite_id}', '{}'),
    ('event_rsvp', 'New RSVP', '{event_id}', '{user_id,rsvp_id}', '{status}'),
    ('forum_comment', 'New comment', '{post_id}', '{user_id,comment_id}', '{}'),
    ('forum_reply', 'New reply', '{post_id}', '{user_id,comment_id,parent_comment_id}', '{}'),
    ('forum_like', 'New like', '{post_id}', '{user_id,comment_id,like_id}', '{}'),
    ('saved_search_match', 'A new listing matches your search', '{listing_id}', '{user_id}', '{}')
) as s (kind, title, required_ids, optional_ids, optional_texts)
on conflict (kind) do update
    set title = excluded.title, keys = excluded.keys;
