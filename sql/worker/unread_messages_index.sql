-- does: makes the index by which unread chat messages are counted
-- table: public.messages

-- Only unread rows are in it: it stays small, whatever people keep.
create index if not exists gtr_jobs_messages_unread on public.messages (recipient_id) where not is_read;
