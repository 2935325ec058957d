-- does: writes the notifications that server code asks for, once a key, after looking at what it gave
-- requires: rules/kind_schemas
-- requires: rules/take_key
-- requires: rules/refuse

-- Raises what is wrong with data for a kind: 413 where it is too much, 422 where it does not fit.
create or replace function gtr_jobs.check_data(p_kind text, p_data jsonb)
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
        perform gtr_jobs.refuse(413, 'data_too_large', 'the data is over 8 KB', 'Pass ids; the app reads the rest.');
    end if;
    select s.keys || '{"title": {"type": "text"}, "body": {"type": "text"}}' into v_keys
    from gtr_jobs.kind_schemas as s
    join gtr_jobs.job_kinds as k on k.kind = s.kind
    where s.kind = p_kind;
    if not found then
        perform gtr_jobs.refuse(
            422, 'unknown_kind', 'the kind is none that server code can send',
            'Give one of: ' || coalesce((
                select pg_catalog.string_agg(s.kind, ', ' order by s.kind)
                from gtr_jobs.kind_schemas as s
                join gtr_jobs.job_kinds as k on k.kind = s.kind
            ), 'none') || '. A message is sent by writing it to public.messages.'
        );
    end if;
    if p_data is null or pg_catalog.jsonb_typeof(p_data) <> 'object' then
        perform gtr_jobs.refuse(422, 'data_format', 'the data is no JSON object', 'Give an object, {} at least.');
    end if;

    select pg_catalog.format('%s is missing', r.key) into v_wrong
    from pg_catalog.jsonb_each(v_keys) as r (key, rule)
    where (r.rule ->> 'required')::boolean and p_data -> r.key is null
    order by r.key
    limit 1;
    if v_wrong is null then
        -- No nesting can pass: every value is a string.
        select
            case
                when v_keys -> d.key is null then pg_catalog.format('%s is no key of this kind', pg_catalog.left(d.key, 64))
                when pg_catalog.jsonb_typeof(d.value) <> 'string' then pg_catalog.format('%s is no string', d.key)
                else pg_catalog.format('%s is no UUID', d.key)
            end
        into v_wrong
        from pg_catalog.jsonb_each(p_data) as d (key, value)
        where
            v_keys -> d.key is null
            or pg_catalog.jsonb_typeof(d.value) <> 'string'
            or v_keys #>> array[d.key, 'type'] = 'uuid'
            and (d.value #>> '{}') !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
        order by d.key
        limit 1;
    end if;
    if v_wrong is not null then
        perform gtr_jobs.refuse(
            422, 'data_format', 'the data does not fit the kind: ' || v_wrong,
            'It takes: ' || (select pg_catalog.string_agg(r.key, ', ' order by r.key)
                from pg_catalog.jsonb_object_keys(v_keys) as r (key)) || '.'
        );
    end if;
end
$$;

-- Writes one row a person, with one push a row. Returns the rows' ids; people who are not there get none.
create or replace function gtr_jobs.write_notifications(p_user_ids uuid[], p_kind text, p_data jsonb)
returns uuid[]
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_title text;
    v_written uuid[];
begin
    select coalesce(nullif(pg_catalog.btrim(p_data ->> 'title'), ''), s.title) into v_title
    from gtr_jobs.kind_schemas as s
    where s.kind = p_kind;
    -- As text that Postgres reads itself: the app's column may be an enum.
    execute pg_catalog.format(
        'with written as ('
        'insert into public.notifications (user_id, type, title, body, data) '
        'select u.id, %L, $2, $3, $4 from (select distinct id from unnest($1) as named (id)) as u '
        -- Each person by the index: what the planner believes of the table cannot make it slow.
        'cross join lateral ('
        'select from auth.users as a where a.id = u.id and a.deleted_at is null limit 1) as account '
        'returning id) '
        'select array(select id from written)',
        p_kind
    )
    into v_written
    using p_user_ids, v_title, coalesce(p_data ->> 'body', ''), p_data - 'title' - 'body';
    -- The trigger on notifications has queued these already, under the same keys. It forgives what goes wrong, for the
    -- app's sake; here nothing may, or a row would stand without its push.
    perform gtr_jobs.enqueue(array(
        select gtr_jobs.job(p_kind, pg_catalog.jsonb_build_object('id', w.id), 'notification:' || w.id)
        from unnest(v_written) as w (id)
    ));
    return v_written;
end
$$;

revoke all on function gtr_jobs.check_data(text, jsonb) from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.write_notifications(uuid[], text, jsonb)
    from public, anon, authenticated, service_role;
