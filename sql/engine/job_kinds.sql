-- does: lists every kind of job with its queue, what produces it and how often it is tried

-- What produces a kind is a file in on/, or several, one after another, or cron. A priority is an operator's to change. A
-- listing can fit thousands of searches: what people say to each other goes first.
insert into gtr_jobs.job_kinds (kind, queue, produced_by, priority, max_attempts)
values
    ('message', 'push', 'messages_insert', 0, 8),
    ('listing_favorited', 'push', 'notifications_insert', 0, 8),
    ('event_favorited', 'push', 'notifications_insert', 0, 8),
    ('event_rsvp', 'push', 'notifications_insert', 0, 8),
    ('forum_comment', 'push', 'notifications_insert', 0, 8),
    ('forum_reply', 'push', 'notifications_insert', 0, 8),
    ('forum_like', 'push', 'notifications_insert', 0, 8),
    ('saved_search_match', 'push', 'notifications_insert', -10, 8),
    ('match_saved_searches', 'match', 'listings_insert listings_update', 0, 8),
    ('send_sms', 'sms', 'notify_sms', 0, 8),
    ('send_email', 'email', 'notify_email', 0, 8),
    ('sms_records', 'sms', 'cron', -10, 8),
    ('expo_receipts', 'receipts', 'cron', 0, 8),
    ('maintenance', 'maintenance', 'cron', 0, 8)
on conflict (kind) do update
    set
        queue = excluded.queue,
        produced_by = excluded.produced_by,
        max_attempts = excluded.max_attempts;
