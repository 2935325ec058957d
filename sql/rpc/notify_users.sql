-- does: lets server code notify up to 10,000 people of the same: a row in public.notifications and a push each
-- table: public.notifications
-- requires: rules/send_notifications

create or replace function gtr_jobs.notify_users(p_user_ids uuid[], p_kind text, p_data jsonb, p_idempotency_key text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_people constant uuid[] := array(select distinct u.id from unnest(p_user_ids) as u (id) order by u.id);
    v_answer jsonb;
    v_notified integer;
begin
    if pg_catalog.cardinality(p_user_ids) > 10000 then
        perform gtr_jobs.refuse(413, 'too_many_users', 'more than 10,000 people were named', 'Call once for each 10,000.');
    end if;
    if p_user_ids is null or pg_catalog.array_position(p_user_ids, null) is not null then
        perform gtr_jobs.refuse(422, 'user_ids', 'a person is null', 'Give an array of account ids.');
    end if;
    perform gtr_jobs.check_data(p_kind, p_data);
    if p_idempotency_key is not null then
        -- The same people in another order are the same request.
        v_answer := gtr_jobs.take_key(
            'notify_users',
            p_idempotency_key,
            pg_catalog.jsonb_build_array(pg_catalog.to_jsonb(v_people), p_kind, p_data)
        );
        if v_answer is not null then
            return v_answer;
        end if;
    end if;

    v_notified := pg_catalog.cardinality(gtr_jobs.write_notifications(v_people, p_kind, p_data));
    v_answer := pg_catalog.jsonb_build_object(
        'notified', v_notified,
        'unknown', pg_catalog.cardinality(v_people) - v_notified
    );
    update gtr_jobs.idempotency_keys as k
    set answer = v_answer
    where k.rpc = 'notify_users' and k.key = p_idempotency_key;
    return v_answer;
end
$$;

create or replace function public.notify_users(
    p_user_ids uuid[],
    p_kind text,
    p_data jsonb,
    p_idempotency_key text default null
)
returns jsonb
language sql
volatile
set search_path = ''
as $$
    select gtr_jobs.notify_users(p_user_ids, p_kind, p_data, p_idempotency_key)
$$;

revoke all on function gtr_jobs.notify_users(uuid[], text, jsonb, text) from public, anon, authenticated, service_role;
revoke all on function public.notify_users(uuid[], text, jsonb, text) from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.notify_users(uuid[], text, jsonb, text) to service_role;
grant execute on function public.notify_users(uuid[], text, jsonb, text) to service_role;
