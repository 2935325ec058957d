-- does: lists what server code may send as a text or an e-mail: the data that each takes, who wants it, how long it lives
-- requires: rules/consents

-- The texts are files of the worker (gtr_jobs/templates); what fills them in is told here too, so that who asks is told
-- at once. An app's own templates are rows of its own SQL files. How long a message lives, and what says whether a
-- person wants it, an operator may change.
insert into gtr_jobs.message_templates (template, channel, keys, consent, time_to_live)
select
    t.template,
    t.channel,
    (
        select
            pg_catalog.jsonb_object_agg(
                k.key, pg_catalog.jsonb_build_object('type', k.value_type, 'required', true)
            )
        from pg_catalog.jsonb_each_text(t.types::jsonb) as k (key, value_type)
    ),
    t.consent,
    t.time_to_live
from (
    values
    (
        'event_reminder', 'sms',
        '{"event_title": "string", "starts": "string", "place": "string", "event_url": "string"}',
        null, interval '2 hours'
    ),
    (
        'event_reminder', 'email',
        '{"event_title": "string", "starts": "string", "place": "string", "event_url": "string"}',
        'gtr_jobs.wants_email_updates', interval '12 hours'
    ),
    (
        'new_listings', 'email',
        '{"search_name": "string", "count": "number", "listings": "array", "manage_url": "string"}',
        'gtr_jobs.wants_email_news', interval '2 days'
    )
) as t (template, channel, types, consent, time_to_live)
on conflict (template, channel) do update
    set keys = excluded.keys;
