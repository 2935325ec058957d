-- does: writes what a provider reports of a text or an e-mail after it took it; nothing goes backwards
-- requires: rules/suppressions
-- requires: rules/spend

-- How far a status is on the way, and what it makes of the delivery; no row for one that nobody knows here.
create or replace function gtr_jobs.rank_status(p_status text)
returns table (rank integer, state gtr_jobs.delivery_state)
language sql
immutable
set search_path = ''
as $$
    select
        r.rank,
        r.state::gtr_jobs.delivery_state
    from (
        values
        ('scheduled', 0, 'sent'),
        ('accepted', 1, 'sent'),
        ('queued', 2, 'sent'),
        ('sending', 3, 'sent'),
        ('sent', 4, 'sent'),
        ('partially_delivered', 5, 'sent'),
        ('deferred', 5, 'sent'),
        ('delivered', 9, 'delivered'),
        ('read', 10, 'delivered'),
        ('opened', 10, 'delivered'),
        ('complained', 11, 'delivered'),
        ('undelivered', 9, 'undelivered'),
        ('bounced', 9, 'undelivered'),
        ('failed', 9, 'failed'),
        ('canceled', 9, 'failed')
    ) as r (status, rank, state)
    where r.status = p_status
$$;

-- p_delivery_id: ours, where the report brings it; else it is found by what the provider calls the message. Returns
-- recorded, repeated (this status of this message was told before), older (kept, but the delivery is further on), or
-- unknown (no such delivery).
create or replace function gtr_jobs.record_delivery_report(
    p_provider text,
    p_provider_id text,
    p_delivery_id uuid,
    p_status text,
    p_error_code text,
    p_price numeric,
    p_currency text,
    p_at timestamptz
)
returns text
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_status constant text := pg_catalog.left(pg_catalog.lower(p_status), 40);
    v_code constant text := pg_catalog.left(coalesce(p_error_code, ''), 40);
    v_sent gtr_jobs.outgoing%rowtype;
    v_provider_id text;
    v_state gtr_jobs.delivery_state;
    v_rank integer;
    v_new_state gtr_jobs.delivery_state;
    v_known_rank integer;
    v_is_new boolean;
begin
    if p_delivery_id is null then
        select o.* into v_sent
        from gtr_jobs.outgoing as o
        where o.provider = p_provider and o.provider_id = p_provider_id
        limit 1;
    else
        select o.* into v_sent
        from gtr_jobs.outgoing as o
        where o.delivery_id = p_delivery_id;
    end if;
    -- What was never attempted nobody can have sent.
    if v_sent.delivery_id is null or v_sent.attempted_at is null or v_status = '' then
        return 'unknown';
    end if;
    -- Some tell our name for it only.
    v_provider_id := pg_catalog.left(coalesce(nullif(p_provider_id, ''), v_sent.provider_id, '-'), 200);
    if exists (
        select
        from gtr_jobs.delivery_reports as r
        where
            r.delivery_id = v_sent.delivery_id
            and r.provider_id = v_provider_id
            and r.status = v_status
            and (p_price is null or v_sent.price is not null)
    ) then
        return 'repeated';
    end if;

    -- Reports of one delivery are written one after another, and after an end of its job that is being written.
    select d.state into v_state
    from gtr_jobs.deliveries as d
    where d.day = v_sent.day and d.dedupe_key = v_sent.delivery_id
    for update;
    select o.* into v_sent
    from gtr_jobs.outgoing as o
    where o.delivery_id = v_sent.delivery_id
    for update;
    if v_state is null or (
        select pg_catalog.count(*)
        from gtr_jobs.delivery_reports as r
        where r.delivery_id = v_sent.delivery_id
    ) >= 40 then
        return 'unknown';
    end if;

    select
        r.rank,
        r.state
    into v_rank, v_new_state
    from gtr_jobs.rank_status(v_status) as r;
    select max(k.rank) into v_known_rank
    from gtr_jobs.delivery_reports as r
    cross join lateral gtr_jobs.rank_status(r.status) as k
    where r.delivery_id = v_sent.delivery_id;

    insert into gtr_jobs.delivery_reports (delivery_id, provider_id, status, error_code, reported_at)
    values (v_sent.delivery_id, v_provider_id, v_status, v_code, coalesce(p_at, pg_catalog.now()))
    on conflict (delivery_id, provider_id, status) do nothing;
    v_is_new := found;
    perform gtr_jobs.note_price(v_sent.delivery_id, p_price, p_currency);
    if not v_is_new then
        return 'repeated';
    end if;

    -- What only the carrier knows: nothing more is sent there.
    if v_code = '30006' and v_sent.channel = 'sms' then
        perform gtr_jobs.suppress_hash('sms', v_sent.address_hash, 'landline', p_provider);
    end if;
    -- An unknown status is kept, and says that the provider has the message.
    if v_rank is null then
        v_rank := -1;
        v_new_state := 'sent';
    end if;
    if v_known_rank >= v_rank then
        return 'older';
    end if;
    if v_rank >= 0 or v_state in ('queued', 'sending', 'unknown') then
        update gtr_jobs.deliveries as d
        set
            state = v_new_state,
            outcome = 'accepted',
            code = case when v_new_state in ('undelivered', 'failed') then v_code else d.code end,
            provider_id = coalesce(d.provider_id, p_provider_id),
            updated_at = pg_catalog.now()
        where d.day = v_sent.day and d.dedupe_key = v_sent.delivery_id;
        update gtr_jobs.outgoing as o
        set
            data = null,
            provider_id = coalesce(o.provider_id, p_provider_id),
            settled_at = coalesce(o.settled_at, pg_catalog.now()),
            ask_at = case
                when o.settled_at is null and o.channel = 'sms' and o.price is null
                    then pg_catalog.now() + interval '10 minutes'
                else o.ask_at
            end
        where
            o.delivery_id = v_sent.delivery_id
            and (o.settled_at is null or o.provider_id is null or o.data is not null);
    end if;
    return 'recorded';
end
$$;

revoke all on function gtr_jobs.rank_status(text) from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.record_delivery_report(
    text, text, uuid, text, text, numeric, text, timestamptz
) from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.record_delivery_report(
    text, text, uuid, text, text, numeric, text, timestamptz
) to gtr_worker;
