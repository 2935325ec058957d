-- does: reads where people can be reached: their living devices, the newest 20
-- table: public.user_device_tokens

-- Finds the other accounts that a device is bound to.
create index if not exists gtr_jobs_user_device_tokens_token on public.user_device_tokens (device_token);

create or replace function gtr_jobs.read_devices(p_user_ids uuid[])
returns table (user_id uuid, device_id uuid, device_token text, registered_at timestamptz)
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    return query
    select
        u.id,
        t.id,
        t.device_token,
        t.registered_at
    from unnest(p_user_ids) as u (id)
    cross join lateral (
        select
            d.id,
            d.device_token,
            greatest(d.created_at, d.updated_at) as registered_at
        from public.user_device_tokens as d
        where
            d.user_id = u.id
            -- Dead as of this registration: registering again revives a device.
            and not exists (
                select from gtr_jobs.devices as k
                where k.device_id = d.id and k.dead_registration >= greatest(d.created_at, d.updated_at)
            )
            -- A device bound to two accounts belongs to the last one that registered it.
            and d.id = (
                select o.id
                from public.user_device_tokens as o
                where o.device_token = d.device_token
                order by greatest(o.created_at, o.updated_at) desc, o.id desc
                limit 1
            )
        order by greatest(d.created_at, d.updated_at) desc
        limit 20
    ) as t;
end
$$;

revoke all on function gtr_jobs.read_devices(uuid[]) from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.read_devices(uuid[]) to gtr_worker;
