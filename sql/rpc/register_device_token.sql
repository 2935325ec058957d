-- does: registers the caller's device, and says clearly what is wrong with it where something is
-- table: public.user_device_tokens
-- requires: rules/note_registrations
-- requires: rules/refuse

create or replace function gtr_jobs.register_device_token(
    p_device_token text,
    p_platform text,
    p_installation_id text,
    p_locale text,
    p_time_zone text,
    p_app_version text
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_user_id constant uuid := auth.uid();
    v_device_id uuid;
    v_device gtr_jobs.devices;
begin
    if v_user_id is null then
        perform gtr_jobs.refuse(401, 'not_signed_in', 'nobody is signed in', 'Sign in first.');
    end if;
    if gtr_jobs.classify_token(p_device_token) is null then
        perform gtr_jobs.refuse(
            422, 'token_format', 'the device token has none of the known shapes',
            'Give the token as FCM, APNs (hexadecimal) or Expo handed it out.'
        );
    end if;
    if p_platform is null or p_platform not in ('ios', 'android') then
        perform gtr_jobs.refuse(
            422, 'platform', 'the platform is none that is known', 'Give one of: ios, android.'
        );
    end if;
    if p_installation_id !~ '^[A-Za-z0-9._:-]{16,128}$' then
        perform gtr_jobs.refuse(
            422, 'installation_id', 'the installation id has another shape',
            'Give 16 to 128 letters, digits, dots, colons, hyphens or underscores, such as a random UUID.'
        );
    end if;
    if p_locale !~ '^[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,4}$' then
        perform gtr_jobs.refuse(
            422, 'locale', 'the locale is no language tag', 'Give one such as en or pt-BR.'
        );
    end if;
    if p_app_version !~ '^[!-~][ -~]{0,63}$' then
        perform gtr_jobs.refuse(
            422, 'app_version', 'the app version has another shape', 'Give up to 64 ASCII signs, such as 2.4.1.'
        );
    end if;
    if p_time_zone is not null and not gtr_jobs.is_time_zone(p_time_zone) then
        perform gtr_jobs.refuse(
            422, 'time_zone', 'the time zone is none that is known', 'Give an IANA name such as Europe/Lisbon.'
        );
    end if;

    -- The triggers stand back: what they would do is done here, and what goes wrong is said.
    perform pg_catalog.set_config('gtr_jobs.registration', 'rpc', true);
    insert into public.user_device_tokens as known (user_id, device_token, platform)
    values (v_user_id, p_device_token, p_platform)
    on conflict (user_id, device_token) do update
        set platform = excluded.platform, updated_at = pg_catalog.now()
    returning known.id into v_device_id;
    perform pg_catalog.set_config('gtr_jobs.registration', '', true);

    perform gtr_jobs.note_registrations(array[v_device_id], p_installation_id);
    update gtr_jobs.devices as k
    set
        locale = coalesce(pg_catalog.replace(p_locale, '_', '-'), k.locale),
        time_zone = coalesce(p_time_zone, k.time_zone),
        app_version = coalesce(p_app_version, k.app_version)
    where k.device_id = v_device_id
    returning k.* into v_device;

    -- Raising takes the row back as well.
    case v_device.silent_reason
        when 'too_many_owners' then
            perform gtr_jobs.refuse(
                429, 'too_many_owners', 'this device has changed accounts too often today',
                'Try again tomorrow (UTC).'
            );
        when 'other_installation' then
            perform gtr_jobs.refuse(
                409, 'other_installation', 'the device is another account''s, under another installation id',
                'Give the installation id with which the device was registered, or sign out there first.'
            );
        else
            null;
    end case;
    return pg_catalog.jsonb_build_object('device_id', v_device_id, 'kind', v_device.kind);
end
$$;

-- Postgres knows its time zones by trying: a list of them would be read from disk every time.
create or replace function gtr_jobs.is_time_zone(p_time_zone text)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
    if p_time_zone !~ '^[A-Za-z_]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,2}$' then
        return false;
    end if;
    perform pg_catalog.now() at time zone p_time_zone;
    return true;
exception
    when invalid_parameter_value then
        return false;
end
$$;

create or replace function public.register_device_token(
    p_device_token text,
    p_platform text,
    p_installation_id text default null,
    p_locale text default null,
    p_time_zone text default null,
    p_app_version text default null
)
returns jsonb
language sql
volatile
set search_path = ''
as $$
    select gtr_jobs.register_device_token(
        p_device_token, p_platform, p_installation_id, p_locale, p_time_zone, p_app_version
    )
$$;

revoke all on function gtr_jobs.is_time_zone(text) from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.register_device_token(text, text, text, text, text, text)
    from public, anon, authenticated, service_role;
revoke all on function public.register_device_token(text, text, text, text, text, text)
    from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.register_device_token(text, text, text, text, text, text) to authenticated;
grant execute on function public.register_device_token(text, text, text, text, text, text) to authenticated;
