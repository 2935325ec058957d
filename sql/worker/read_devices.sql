-- does: reads where people can be reached: their living devices, the newest 10
-- requires: rules/note_registrations
-- table: public.user_device_tokens

-- Finds the other accounts that a device is bound to.
create index if not exists gtr_jobs_user_device_tokens_token on public.user_device_tokens (device_token);

create or replace function gtr_jobs.read_app_devices(p_user_ids uuid[])
returns table (
    user_id uuid,
    device_id uuid,
    device_token text,
    registered_at timestamptz,
    app text,
    apns_environment text
)
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    v_environment constant text := (select i.environment from gtr_jobs.installation as i);
begin
    return query
    select
        u.id,
        living.id,
        living.device_token,
        living.seen_at,
        coalesce(living.app, 'default'),
        living.apns_environment
    from unnest(p_user_ids) as u (id)
    cross join lateral (
        select
            t.id,
            t.device_token,
            k.seen_at,
            k.app,
            k.apns_environment
        from gtr_jobs.devices as k
        join public.user_device_tokens as t on t.id = k.device_id and t.user_id = k.user_id
        where
            k.user_id = u.id
            -- Silent: not this account's, retired, or no token at all.
            and k.silent_reason is null
            -- Dead as of this registration: registering again revives a device.
            and (k.dead_registration is null or k.dead_registration < k.seen_at)
            -- A copy of production, told that it is staging, does not reach the people of production.
            and (k.environment is null or v_environment is null or k.environment = v_environment)
            -- Where taking note of a registration failed, the device is already somebody else's.
            and not exists (
                select
                from public.user_device_tokens as o
                left join gtr_jobs.devices as noted on noted.device_id = o.id
                where
                    o.device_token = t.device_token
                    and o.user_id <> t.user_id
                    and noted.seen_at is null
                    and greatest(o.created_at, o.updated_at) > k.seen_at
            )
        order by k.seen_at desc
        limit 10
    ) as living;
end
$$;

-- For workers of before there were several apps: they have the keys of one only.
create or replace function gtr_jobs.read_devices(p_user_ids uuid[])
returns table (user_id uuid, device_id uuid, device_token text, registered_at timestamptz)
language sql
stable
security definer
set search_path = ''
as $$
    select
        d.user_id,
        d.device_id,
        d.device_token,
        d.registered_at
    from gtr_jobs.read_app_devices(p_user_ids) as d
    where d.app = 'default'
$$;

revoke all on function gtr_jobs.read_app_devices(uuid[]) from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.read_devices(uuid[]) from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.read_app_devices(uuid[]) to gtr_worker;
grant execute on function gtr_jobs.read_devices(uuid[]) to gtr_worker;

select gtr_jobs.note_missed_devices();
