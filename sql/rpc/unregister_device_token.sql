-- does: takes a device from the caller, as on signing out; says whether there was one
-- table: public.user_device_tokens
-- requires: rules/refuse

create or replace function gtr_jobs.unregister_device_token(p_device_token text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_user_id constant uuid := auth.uid();
begin
    if v_user_id is null then
        perform gtr_jobs.refuse(401, 'not_signed_in', 'nobody is signed in', 'Sign in first.');
    end if;
    -- Whatever its shape: what once went in must come out.
    if p_device_token is null or p_device_token = '' then
        perform gtr_jobs.refuse(422, 'token_format', 'the device token is empty', 'Give the registered token.');
    end if;
    delete from public.user_device_tokens as t
    where t.user_id = v_user_id and t.device_token = p_device_token;
    return pg_catalog.jsonb_build_object('removed', found);
end
$$;

create or replace function public.unregister_device_token(p_device_token text)
returns jsonb
language sql
volatile
set search_path = ''
as $$
    select gtr_jobs.unregister_device_token(p_device_token)
$$;

revoke all on function gtr_jobs.unregister_device_token(text) from public, anon, authenticated, service_role;
revoke all on function public.unregister_device_token(text) from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.unregister_device_token(text) to authenticated;
grant execute on function public.unregister_device_token(text) to authenticated;
