-- does: lets server code send one person a text, once a key
-- requires: rules/send_messages

create or replace function gtr_jobs.notify_sms(p_user_id uuid, p_template text, p_data jsonb, p_idempotency_key text)
returns jsonb
language sql
volatile
security definer
set search_path = ''
as $$
    select gtr_jobs.ask_for_message('notify_sms', 'sms', p_user_id, p_template, p_data, p_idempotency_key)
$$;

create or replace function public.notify_sms(
    p_user_id uuid,
    p_template text,
    p_data jsonb,
    p_idempotency_key text default null
)
returns jsonb
language sql
volatile
set search_path = ''
as $$
    select gtr_jobs.notify_sms(p_user_id, p_template, p_data, p_idempotency_key)
$$;

revoke all on function gtr_jobs.notify_sms(uuid, text, jsonb, text) from public, anon, authenticated, service_role;
revoke all on function public.notify_sms(uuid, text, jsonb, text) from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.notify_sms(uuid, text, jsonb, text) to service_role;
grant execute on function public.notify_sms(uuid, text, jsonb, text) to service_role;
