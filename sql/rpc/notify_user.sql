-- does: lets server code notify one person: one row in public.notifications, one push
-- table: public.notifications
-- requires: rules/send_notifications

create or replace function gtr_jobs.notify_user(p_user_id uuid, p_kind text, p_data jsonb, p_idempotency_key text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_answer jsonb;
    v_written uuid[];
begin
    perform gtr_jobs.check_data(p_kind, p_data);
    if p_idempotency_key is not null then
        v_answer := gtr_jobs.take_key(
            'notify_user',
            p_idempotency_key,
            pg_catalog.jsonb_build_array(p_user_id, p_kind, p_data)
        );
        if v_answer is not null then
            return v_answer;
        end if;
    end if;

    v_written := gtr_jobs.write_notifications(array[p_user_id], p_kind, p_data);
    if pg_catalog.cardinality(v_written) = 0 then
        perform gtr_jobs.refuse(404, 'unknown_user', 'there is no such person', 'Give the id of an account.');
    end if;
    v_answer := pg_catalog.jsonb_build_object('notification_id', v_written[1]);
    update gtr_jobs.idempotency_keys as k
    set answer = v_answer
    where k.rpc = 'notify_user' and k.key = p_idempotency_key;
    return v_answer;
end
$$;

create or replace function public.notify_user(
    p_user_id uuid,
    p_kind text,
    p_data jsonb,
    p_idempotency_key text default null
)
returns jsonb
language sql
volatile
set search_path = ''
as $$
    select gtr_jobs.notify_user(p_user_id, p_kind, p_data, p_idempotency_key)
$$;

revoke all on function gtr_jobs.notify_user(uuid, text, jsonb, text) from public, anon, authenticated, service_role;
revoke all on function public.notify_user(uuid, text, jsonb, text) from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.notify_user(uuid, text, jsonb, text) to service_role;
grant execute on function public.notify_user(uuid, text, jsonb, text) to service_role;
