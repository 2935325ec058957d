-- does: lists every kind of job with its queue, what produces it and how often it is tried

insert into gtr_jobs.job_kinds (kind, queue, produced_by, max_attempts)
values
    ('message', 'push', 'messages_insert', 8),
    ('listing_favorited', 'push', 'notifications_insert', 8)
on conflict (kind) do update
    set
        queue = excluded.queue,
        produced_by = excluded.produced_by,
        max_attempts = excluded.max_attempts;
