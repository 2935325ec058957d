-- does: registers the caller's device of one of several apps, and says clearly what is wrong with it where something is
-- table: public.user_device_tokens
-- requires: rpc/register_device_token
-- requires: rules/refuse

create or replace function gtr_jobs.register_app_device(
    p_device_token text,
    p_platform text,
    p_app text,
    p_apns_environment text,
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
    v_answer jsonb;
begin
    if p_app is null or p_app !~ '^[a-z][a-z0-9]*(_[a-z0-9]+)*$' or pg_catalog.length(p_app) > 40 then
        perform gtr_jobs.refuse(
            422, 'app', 'the app''s name has another shape',
            'Give up to 40 lower case letters, digits and single underscores, as the worker''s settings name it.'
        );
    end if;
    if p_apns_environment not in ('production', 'sandbox') then
        perform gtr_jobs.refuse(
            422, 'apns_environment', 'the environment is none of Apple''s', 'Give one of: production, sandbox.'
        );
    end if;
    v_answer := gtr_jobs.register_device_token(
        p_device_token, p_platform, p_installation_id, p_locale, p_time_zone, p_app_version
    );
    update gtr_jobs.devices as k
    set
        app = nullif(p_app, 'default'),
        apns_environment = coalesce(p_apns_environment, k.apns_environment)
    where k.device_id = (v_answer ->> 'device_id')::uuid;
    return v_answer || pg_catalog.jsonb_build_object('app', p_app);
end
$$;

create or replace function public.register_app_device(
    p_device_token text,
    p_platform text,
    p_app text,
    p_apns_environment text default null,
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
    select gtr_jobs.register_app_device(
        p_device_token,
        p_platform,
        p_app,
        p_apns_environment,
        p_installation_id,
        p_locale,
        p_time_zone,
        p_app_version
    )
$$;

revoke all on function gtr_jobs.register_app_device(text, text, text, text, text, text, text, text)
    from public, anon, authenticated, service_role;
revoke all on function public.register_app_device(text, text, text, text, text, text, text, text)
    from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.register_app_device(text, text, text, text, text, text, text, text) to authenticated;
grant execute on function public.register_app_device(text, text, text, text, text, text, text, text) to authenticated;
