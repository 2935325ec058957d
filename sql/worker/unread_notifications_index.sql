-- does: makes the index by which unread notifications are counted
-- table: public.notifications

-- Only unread rows are in it: it stays small, whatever people keep.
create index if not exists gtr_jobs_notifications_unread on public.notifications (user_id) where not is_read;
