-- does: counts what messages cost, each once, however often its price is told

-- Providers write what they charge as a negative price.
create or replace function gtr_jobs.note_price(p_delivery_id uuid, p_price numeric, p_currency text)
returns void
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_sent gtr_jobs.outgoing%rowtype;
begin
    if p_price is null or p_price in ('NaN', 'Infinity', '-Infinity') or abs(p_price) >= 1000 then
        return;
    end if;
    select o.* into v_sent
    from gtr_jobs.outgoing as o
    where o.delivery_id = p_delivery_id
    for update;
    if not found or v_sent.price is not distinct from abs(p_price)::numeric(12, 5) then
        return;
    end if;
    update gtr_jobs.outgoing as o
    set
        price = abs(p_price),
        currency = coalesce(pg_catalog.upper(pg_catalog.left(p_currency, 3)), o.currency),
        expected_price = null,
        ask_at = null
    where o.delivery_id = p_delivery_id;
    -- The day and the row that it was counted in when it was begun.
    update gtr_jobs.spend as s
    set
        price = s.price + abs(p_price) - coalesce(v_sent.price, 0),
        priced_segments = s.priced_segments + case when v_sent.price is null then coalesce(v_sent.segments, 1) else 0 end,
        expected = s.expected - coalesce(v_sent.expected_price, 0),
        currency = coalesce(pg_catalog.upper(pg_catalog.left(p_currency, 3)), s.currency)
    where
        s.day = (v_sent.attempted_at at time zone 'utc')::date
        and s.channel = v_sent.channel
        and s.provider = v_sent.provider
        and s.country = coalesce(v_sent.country, '');
end
$$;

-- Takes an attempt that was not taken out of the books again: it costs nothing.
create or replace function gtr_jobs.take_back_spend(p_delivery_id uuid)
returns void
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_sent gtr_jobs.outgoing%rowtype;
begin
    select o.* into v_sent
    from gtr_jobs.outgoing as o
    where o.delivery_id = p_delivery_id
    for update;
    -- What has a price was sent.
    if not found or v_sent.expected_price is null then
        return;
    end if;
    update gtr_jobs.outgoing as o
    set expected_price = null
    where o.delivery_id = p_delivery_id;
    update gtr_jobs.spend as s
    set
        messages = s.messages - 1,
        segments = s.segments - v_sent.segments,
        expected = s.expected - v_sent.expected_price
    where
        s.day = (v_sent.attempted_at at time zone 'utc')::date
        and s.channel = v_sent.channel
        and s.provider = v_sent.provider
        and s.country = coalesce(v_sent.country, '');
end
$$;

revoke all on function gtr_jobs.take_back_spend(uuid) from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.note_price(uuid, numeric, text) from public, anon, authenticated, service_role;
