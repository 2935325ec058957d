-- does: reads texts and e-mails that are to be sent: to whom, with what, and what earlier attempts came to
-- requires: rules/consents

-- At most 1000. Times are seconds from now, by this clock; refusal is why the person gets none, in one word; consent_unknown
-- where the function that says so failed.
create or replace function gtr_jobs.read_outgoing(p_delivery_ids uuid[])
returns table (
    delivery_id uuid,
    template text,
    user_id uuid,
    data jsonb,
    address text,
    address_hash bytea,
    locale text,
    refusal text,
    expires_in double precision,
    state text,
    provider text,
    is_resent boolean,
    attempt_token uuid,
    attempted_at timestamptz,
    attempt_age double precision,
    deadline_in double precision,
    attempted_hash bytea
)
language plpgsql
stable
security definer
set search_path = ''
-- Each is looked up by its key: a join would be free to read the whole ledger.
set enable_hashjoin = off
set enable_mergejoin = off
as $$
begin
    if pg_catalog.cardinality(p_delivery_ids) > 1000 then
        raise exception 'more than 1000 messages' using errcode = 'program_limit_exceeded';
    end if;
    return query
    select
        o.delivery_id,
        o.template,
        o.user_id,
        o.data,
        r.address,
        gtr_jobs.hash_address(o.channel, r.address),
        coalesce(r.locale, ''),
        case
            when r.locale is null then 'user_gone'
            else gtr_jobs.try_reason_not_to_reach(o.channel, o.template, o.user_id, r.address)
        end,
        pg_catalog.date_part('epoch', o.expires_at - pg_catalog.now()),
        coalesce(d.state::text, 'queued'),
        o.provider,
        coalesce(d.resent_after_unknown, false),
        o.attempt_token,
        o.attempted_at,
        pg_catalog.date_part('epoch', pg_catalog.now() - o.attempted_at),
        pg_catalog.date_part('epoch', o.deadline - pg_catalog.now()),
        o.address_hash
    from unnest(p_delivery_ids) as w (id)
    cross join lateral (select one.* from gtr_jobs.outgoing as one where one.delivery_id = w.id) as o
    left join lateral gtr_jobs.read_recipient(o.channel, o.user_id) as r on true
    left join lateral (
        select one.* from gtr_jobs.deliveries as one where one.day = o.day and one.dedupe_key = o.delivery_id
    ) as d on true;
end
$$;

-- What the provider calls the messages that went to an address since then, and are known to be others' than the one
-- that is looked for: at most 1000. The hash is in hex.
create or replace function gtr_jobs.read_known_messages(p_address_hash text, p_since timestamptz, p_delivery_id uuid)
returns setof text
language sql
stable
security definer
set search_path = ''
as $$
    select o.provider_id
    from gtr_jobs.outgoing as o
    where
        o.address_hash = pg_catalog.decode(p_address_hash, 'hex')
        -- By the provider's clock, which is another.
        and o.attempted_at > p_since - interval '10 minutes'
        and o.provider_id is not null
        and o.delivery_id <> p_delivery_id
    order by o.attempted_at
    limit 1000
$$;

revoke all on function gtr_jobs.read_known_messages(text, timestamptz, uuid)
    from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.read_known_messages(text, timestamptz, uuid) to gtr_worker;
revoke all on function gtr_jobs.read_outgoing(uuid[]) from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.read_outgoing(uuid[]) to gtr_worker;
