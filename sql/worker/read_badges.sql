-- does: counts what people have not read, for the number on the app's icon

-- Counts to 99 and no further: an icon shows no more. An app may have either table without the other, and a message that
-- stands among the notifications too is one message.
create or replace function gtr_jobs.read_badges(p_user_ids uuid[])
returns table (user_id uuid, badge integer)
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    v_unread text := '0';
begin
    if pg_catalog.to_regclass('public.messages') is not null then
        v_unread := v_unread || ' + (select pg_catalog.count(*) from ('
            'select from public.messages as m where m.recipient_id = u.id and not m.is_read limit 99'
            ') as few)';
    end if;
    if pg_catalog.to_regclass('public.notifications') is not null then
        v_unread := v_unread || ' + (select pg_catalog.count(*) from ('
            'select from public.notifications as n where n.user_id = u.id and not n.is_read and n.type::text <> ''message'' limit 99'
            ') as few)';
    end if;
    return query execute
        'select u.id, least(99, ' || v_unread || ')::integer from unnest($1) as u (id)'
        using p_user_ids;
end
$$;

revoke all on function gtr_jobs.read_badges(uuid[]) from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.read_badges(uuid[]) to gtr_worker;
