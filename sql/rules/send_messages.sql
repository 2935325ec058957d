-- does: takes the texts and e-mails that server code asks for, once a key, after looking at what it gave
-- requires: rules/take_key
-- requires: rules/consents
-- requires: rules/message_templates
-- requires: rules/refuse

-- Raises what is wrong with the data for a template, as gtr_jobs.check_data does for a kind.
create or replace function gtr_jobs.check_template_data(p_channel text, p_template text, p_data jsonb)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
    v_keys jsonb;
    v_wrong text;
begin
    if pg_catalog.octet_length(p_data::text) > 8192 then
        perform gtr_jobs.refuse(413, 'data_too_large', 'the data is over 8 KB', 'Pass what the template shows.');
    end if;
    select t.keys into v_keys
    from gtr_jobs.message_templates as t
    where t.template = p_template and t.channel = p_channel;
    if not found then
        perform gtr_jobs.refuse(
            422, 'unknown_template', 'there is no such template for this channel',
            'Give one of: ' || coalesce((
                select pg_catalog.string_agg(t.template, ', ' order by t.template)
                from gtr_jobs.message_templates as t
                where t.channel = p_channel
            ), 'none') || '.'
        );
    end if;
    if p_data is null or pg_catalog.jsonb_typeof(p_data) <> 'object' then
        perform gtr_jobs.refuse(422, 'data_format', 'the data is no JSON object', 'Give an object, {} at least.');
    end if;
    select
        case
            when r.key is null then pg_catalog.format('%s is no key of this template', pg_catalog.left(d.key, 64))
            when d.key is null then pg_catalog.format('%s is missing', r.key)
            else pg_catalog.format('%s is no %s', d.key, r.rule ->> 'type')
        end
    into v_wrong
    from pg_catalog.jsonb_each(v_keys) as r (key, rule)
    full join pg_catalog.jsonb_each(p_data) as d (key, value) on d.key = r.key
    where
        r.key is null
        or d.key is null and (r.rule ->> 'required')::boolean
        or pg_catalog.jsonb_typeof(d.value) <> (r.rule ->> 'type')
    order by coalesce(r.key, d.key)
    limit 1;
    if v_wrong is not null then
        perform gtr_jobs.refuse(
            422, 'data_format', 'the data does not fit the template: ' || v_wrong,
            'It takes: ' || coalesce((
                select pg_catalog.string_agg(r.key, ', ' order by r.key) from pg_catalog.jsonb_object_keys(v_keys) as r (key)
            ), 'nothing') || '.'
        );
    end if;
end
$$;

-- Writes down one message and queues its job. Whoever cannot be reached or does not want it is refused here, and looked
-- at again when it is sent.
create or replace function gtr_jobs.ask_for_message(
    p_rpc text,
    p_channel text,
    p_user_id uuid,
    p_template text,
    p_data jsonb,
    p_idempotency_key text
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_answer jsonb;
    v_address text;
    v_reason text;
    v_delivery_id uuid;
begin
    perform gtr_jobs.check_template_data(p_channel, p_template, p_data);
    if p_idempotency_key is not null then
        v_answer := gtr_jobs.take_key(
            p_rpc,
            p_idempotency_key,
            pg_catalog.jsonb_build_array(p_user_id, p_template, p_data)
        );
        if v_answer is not null then
            return v_answer;
        end if;
    end if;

    select r.address into v_address from gtr_jobs.read_recipient(p_channel, p_user_id) as r;
    if not found then
        perform gtr_jobs.refuse(404, 'unknown_user', 'there is no such person', 'Give the id of an account.');
    end if;
    v_reason := gtr_jobs.reason_not_to_reach(p_channel, p_template, p_user_id, v_address);
    if v_reason in ('no_phone', 'no_email') then
        perform gtr_jobs.refuse(
            422, 'no_address', 'the person has proved no number or address to be theirs',
            'Have them verify it in the app first.'
        );
    elsif v_reason = 'no_consent' then
        perform gtr_jobs.refuse(
            403, 'no_consent', 'the person does not want this', 'Send nothing until they change their preferences.'
        );
    elsif v_reason is not null then
        perform gtr_jobs.refuse(
            403, 'suppressed', 'nothing is sent to this number or address: ' || v_reason,
            'See gtr-jobs suppress list.'
        );
    end if;

    insert into gtr_jobs.outgoing (channel, template, user_id, data, expires_at)
    select
        p_channel,
        p_template,
        p_user_id,
        p_data,
        pg_catalog.now() + t.time_to_live
    from gtr_jobs.message_templates as t
    where t.template = p_template and t.channel = p_channel
    returning outgoing.delivery_id into v_delivery_id;
    perform gtr_jobs.enqueue(array[
        gtr_jobs.job(
            'send_' || p_channel,
            pg_catalog.jsonb_build_object('id', v_delivery_id),
            'send_' || p_channel || ':' || v_delivery_id
        )
    ]);
    v_answer := pg_catalog.jsonb_build_object('delivery_id', v_delivery_id);
    update gtr_jobs.idempotency_keys as k
    set answer = v_answer
    where k.rpc = p_rpc and k.key = p_idempotency_key;
    return v_answer;
end
$$;

revoke all on function gtr_jobs.check_template_data(text, text, jsonb) from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.ask_for_message(text, text, uuid, text, jsonb, text)
    from public, anon, authenticated, service_role;
