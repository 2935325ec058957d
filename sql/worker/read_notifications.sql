-- does: reads the notifications that pushes are about, as the app's triggers worded them

create or replace function gtr_jobs.read_notifications(p_notification_ids uuid[])
returns table (
    notification_id uuid,
    user_id uuid,
    kind text,
    title text,
    body text,
    data jsonb
)
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    return query
    select
        n.id,
        n.user_id,
        n.type::text,
        pg_catalog.left(coalesce(n.title, ''), 1000),
        pg_catalog.left(coalesce(n.body, ''), 4000),
        -- Its owner may write anything there; who reads it expects keys.
        case when pg_catalog.jsonb_typeof(n.data) = 'object' then n.data else '{}' end
    from public.notifications as n
    where n.id = any(p_notification_ids);
end
$$;

revoke all on function gtr_jobs.read_notifications(uuid[]) from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.read_notifications(uuid[]) to gtr_worker;
