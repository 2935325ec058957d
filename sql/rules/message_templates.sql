-- does: lists what server code may send as a text or an e-mail: the data that each takes, who wants it, how long it lives
-- requires: rules/consents

-- An app's own templates are rows of its own SQL files. What one of ours is filled with is fixed here; how long it
-- lives, and whom it asks for consent, an operator may change.
insert into gtr_jobs.message_templates (template, channel, keys, consent, time_to_live)
select
    t.template,
    t.channel,
    (
        select pg_catalog.jsonb_object_agg(k.key, '{"type": "text", "required": true}'::jsonb)
        from unnest(t.keys) as k (key)
    ),
    t.consent,
    t.time_to_live
from (
    values
    ('event_reminder', 'sms', '{event_title,starts_at}'::text[], null, interval '2 hours'),
    ('event_reminder', 'email', '{event_title,starts_at}', 'gtr_jobs.wants_email_updates', '12 hours'),
    ('listing_sold', 'sms', '{listing_title}', null, '6 hours'),
    ('listing_sold', 'email', '{listing_title}', 'gtr_jobs.wants_email_updates', '2 days')
) as t (template, channel, keys, consent, time_to_live)
on conflict (template, channel) do update
    set keys = excluded.keys;
