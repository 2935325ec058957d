-- does: decides whose a token is when devices register, and which of a person's devices are sent to
-- requires: rules/classify_token

-- p_device_ids: rows of public.user_device_tokens that were written. What is decided stands in gtr_jobs.devices.
-- p_installation_id: what the app calls itself on this device, where it says so. Once it is known for a token, another
-- account gets the token with the same one only.
-- p_is_missed: the rows were written when nobody looked; they count from when the app says that they were.
-- The statements are apart, so that each sees what others committed while the one before waited.
create or replace function gtr_jobs.note_registrations(
    p_device_ids uuid[],
    p_installation_id text default null,
    p_is_missed boolean default false
)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    v_max_devices constant integer := 10;
    v_max_changes constant integer := 5;
    v_now constant timestamptz := pg_catalog.clock_timestamp();
    v_today constant date := (v_now at time zone 'utc')::date;
    v_installation constant bytea := pg_catalog.sha256(pg_catalog.convert_to(p_installation_id, 'UTF8'));
    v_environment constant text := (select i.environment from gtr_jobs.installation as i);
begin
    -- In the order of tokens: two statements that register the same ones never wait for each other in a ring.
    insert into gtr_jobs.token_owners as known (token_hash, user_id, installation_hash, seen_at)
    select distinct on (r.token_hash)
        r.token_hash,
        r.user_id,
        v_installation,
        case when p_is_missed then least(r.written_at, v_now) else v_now end
    from (
        select
            t.id,
            t.user_id,
            pg_catalog.sha256(pg_catalog.convert_to(t.device_token, 'UTF8')) as token_hash,
            greatest(t.created_at, t.updated_at) as written_at
        from public.user_device_tokens as t
        where t.id = any(p_device_ids) and gtr_jobs.classify_token(t.device_token) is not null
    ) as r
    left join gtr_jobs.token_owners as o on o.token_hash = r.token_hash
    -- A statement that writes the rows of two accounts is upkeep, not somebody signing in: the owner stays.
    order by r.token_hash, (o.user_id is not distinct from r.user_id) desc, r.written_at desc, r.id desc
    on conflict (token_hash) do update
        set
            user_id = excluded.user_id,
            installation_hash = coalesce(excluded.installation_hash, known.installation_hash),
            seen_at = excluded.seen_at,
            changed_on = case when known.user_id = excluded.user_id then known.changed_on else v_today end,
            changes = case
                when known.user_id = excluded.user_id then known.changes
                when known.changed_on = v_today then known.changes + 1
                else 1
            end
        where
            (not p_is_missed or known.seen_at < excluded.seen_at)
            and (
                known.user_id = excluded.user_id
                or (known.installation_hash is null or known.installation_hash = excluded.installation_hash)
                and (known.changed_on is distinct from v_today or known.changes < v_max_changes)
            );

    insert into gtr_jobs.devices as known (
        device_id, user_id, token_hash, kind, environment, seen_at, silent_since, silent_reason
    )
    select
        r.id,
        r.user_id,
        r.token_hash,
        r.kind,
        v_environment,
        r.seen_at,
        case when r.silent_reason is not null then v_now end,
        r.silent_reason
    from (
        select
            t.id,
            t.user_id,
            h.token_hash,
            c.kind,
            -- Rows of one statement keep their order among each other.
            case
                when p_is_missed then least(greatest(t.created_at, t.updated_at), v_now)
                else v_now - interval '1 microsecond' * (
                    pg_catalog.row_number() over (
                        order by coalesce(k.seen_at, greatest(t.created_at, t.updated_at)) desc, t.id
                    ) - 1
                )
            end as seen_at,
            case
                when c.kind is null then 'token_format'
                when o.user_id = t.user_id then null
                when o.installation_hash is not null and o.installation_hash is distinct from v_installation
                    then 'other_installation'
                when o.changed_on = v_today and o.changes >= v_max_changes and not p_is_missed then 'too_many_owners'
                else 'other_account'
            end as silent_reason
        from public.user_device_tokens as t
        cross join lateral (select gtr_jobs.classify_token(t.device_token) as kind) as c
        cross join lateral (
            select pg_catalog.sha256(pg_catalog.convert_to(t.device_token, 'UTF8')) as token_hash
        ) as h
        left join gtr_jobs.devices as k on k.device_id = t.id
        left join gtr_jobs.token_owners as o on o.token_hash = h.token_hash
        where t.id = any(p_device_ids)
    ) as r
    order by r.id
    on conflict (device_id) do update
        set
            user_id = excluded.user_id,
            token_hash = excluded.token_hash,
            kind = excluded.kind,
            environment = excluded.environment,
            seen_at = excluded.seen_at,
            -- What was learned of a token is not true of another one.
            apns_environment = case when known.token_hash = excluded.token_hash then known.apns_environment end,
            silent_since = excluded.silent_since,
            silent_reason = excluded.silent_reason;

    update gtr_jobs.devices as k
    set silent_since = v_now, silent_reason = 'other_account'
    from gtr_jobs.devices as registered
    join gtr_jobs.token_owners as o on o.token_hash = registered.token_hash
    where
        registered.device_id = any(p_device_ids)
        and k.token_hash = registered.token_hash
        and k.user_id <> o.user_id
        and k.silent_reason is null;

    -- A device that somebody else is writing just now is not the one that was away longest.
    update gtr_jobs.devices as k
    set silent_since = v_now, silent_reason = 'retired'
    where k.device_id in (
        select d.device_id
        from gtr_jobs.devices as d
        where
            d.silent_reason is null
            and d.device_id in (
                select too_many.device_id
                from (
                    select distinct t.user_id from public.user_device_tokens as t where t.id = any(p_device_ids)
                ) as people
                cross join lateral (
                    select l.device_id
                    from gtr_jobs.devices as l
                    where
                        l.user_id = people.user_id
                        and l.silent_reason is null
                        and (l.dead_registration is null or l.dead_registration < l.seen_at)
                    order by l.seen_at desc, l.device_id
                    offset v_max_devices
                ) as too_many
            )
        for update skip locked
    );
end
$$;

-- Takes note of devices that registered before this was installed, or while it was away. Returns how many.
create or replace function gtr_jobs.note_missed_devices()
returns bigint
language plpgsql
security definer
set search_path = ''
as $$
declare
    v_ids uuid[];
    v_noted bigint := 0;
begin
    if pg_catalog.to_regclass('public.user_device_tokens') is null then
        return 0;
    end if;
    loop
        v_ids := array(
            select t.id
            from public.user_device_tokens as t
            left join gtr_jobs.devices as k on k.device_id = t.id
            where k.seen_at is null
            limit 10000
        );
        exit when pg_catalog.cardinality(v_ids) = 0;
        perform gtr_jobs.note_registrations(v_ids, null, true);
        v_noted := v_noted + pg_catalog.cardinality(v_ids);
    end loop;
    return v_noted;
end
$$;

revoke all on function gtr_jobs.note_registrations(uuid[], text, boolean)
    from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.note_missed_devices() from public, anon, authenticated, service_role;
