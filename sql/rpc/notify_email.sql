-- does: lets server code send one person an e-mail, once a key
-- requires: rules/send_messages

create or replace function gtr_jobs.notify_email(p_user_id uuid, p_template text, p_data jsonb, p_idempotency_key text)
returns jsonb
language sql
volatile
security definer
set search_path = ''
as $$
    select gtr_jobs.ask_for_message('notify_email', 'email', p_user_id, p_template, p_data, p_idempotency_key)
$$;

create or replace function public.notify_email(
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
    select gtr_jobs.notify_email(p_user_id, p_template, p_data, p_idempotency_key)
$$;

revoke all on function gtr_jobs.notify_email(uuid, text, jsonb, text) from public, anon, authenticated, service_role;
revoke all on function public.notify_email(uuid, text, jsonb, text) from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.notify_email(uuid, text, jsonb, text) to service_role;
grant execute on function public.notify_email(uuid, text, jsonb, text) to service_role;
