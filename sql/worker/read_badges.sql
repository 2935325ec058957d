-- does: counts what people have not read, for the number on the app's icon
-- table: public.messages
-- table: public.notifications

-- Badges count unread rows only: these stay small, whatever people keep.
create index if not exists gtr_jobs_messages_unread on public.messages (recipient_id) where not is_read;
create index if not exists gtr_jobs_notifications_unread on public.notifications (user_id) where not is_read;

-- Counts to 99 and no further: an icon shows no more. A message that stands among the notifications too is one message.
create or replace function gtr_jobs.read_badges(p_user_ids uuid[])
returns table (user_id uuid, badge integer)
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    return query
    select
        u.id,
        least(99, unread.messages + unread.notifications)::integer
    from unnest(p_user_ids) as u (id)
    cross join lateral (
        select
            (
                select pg_catalog.count(*)
                from (
                    select from public.messages as m
                    where m.recipient_id = u.id and not m.is_read
                    limit 99
                ) as few
            ) as messages,
            (
                select pg_catalog.count(*)
                from (
                    select from public.notifications as n
                    where n.user_id = u.id and not n.is_read and n.type::text <> 'message'
                    limit 99
                ) as few
            ) as notifications
    ) as unread;
end
$$;

revoke all on function gtr_jobs.read_badges(uuid[]) from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.read_badges(uuid[]) to gtr_worker;
