-- does: keeps whom nothing is sent to, by a keyed hash of the number or address

create or replace function gtr_jobs.hash_address(p_channel text, p_address text)
returns bytea
language sql
stable
security definer
set search_path = ''
as $$
    -- One address however it is written: numbers come as E.164, and mail is delivered whatever the case.
    select pg_catalog.sha256(
        k.key || pg_catalog.convert_to(p_channel || ' ' || pg_catalog.lower(pg_catalog.btrim(p_address)), 'UTF8')
    )
    from gtr_jobs.address_key as k
$$;

-- What operators see of an address, and the audit keeps: the beginning of its hash.
create or replace function gtr_jobs.name_address(p_hash bytea)
returns text
language sql
immutable
set search_path = ''
as $$
    select pg_catalog.left(pg_catalog.encode(p_hash, 'hex'), 12)
$$;

-- Returns whether it is new.
create or replace function gtr_jobs.suppress_hash(p_channel text, p_hash bytea, p_reason text, p_source text)
returns boolean
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
    insert into gtr_jobs.suppressions (channel, address_hash, reason, source)
    values (p_channel, p_hash, p_reason, p_source)
    on conflict (channel, address_hash, reason) do nothing;
    return found;
end
$$;

-- p_reason: unsubscribed, landline, no_sms, invalid, bounced, complained or operator. p_source: who says so, as twilio.
create or replace function gtr_jobs.suppress_address(p_channel text, p_address text, p_reason text, p_source text)
returns boolean
language sql
volatile
security definer
set search_path = ''
as $$
    select gtr_jobs.suppress_hash(p_channel, gtr_jobs.hash_address(p_channel, p_address), p_reason, p_source)
$$;

-- Ends one reason, all of them where p_reason is null; returns how many ended.
create or replace function gtr_jobs.unsuppress_address(p_channel text, p_address text, p_reason text)
returns integer
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_ended integer;
begin
    delete from gtr_jobs.suppressions as s
    where
        s.channel = p_channel
        and s.address_hash = gtr_jobs.hash_address(p_channel, p_address)
        and (p_reason is null or s.reason = p_reason);
    get diagnostics v_ended = row_count;
    return v_ended;
end
$$;

-- Suppresses whoever a delivery went to: a link that says no more, a bounce that names the message. Returns recorded,
-- repeated, or unknown where no such delivery was sent.
create or replace function gtr_jobs.suppress_recipient(p_delivery_id uuid, p_reason text, p_source text)
returns text
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_sent record;
begin
    select
        o.channel,
        o.address_hash
    into v_sent
    from gtr_jobs.outgoing as o
    where o.delivery_id = p_delivery_id and o.address_hash is not null;
    if not found then
        return 'unknown';
    end if;
    if gtr_jobs.suppress_hash(v_sent.channel, v_sent.address_hash, p_reason, p_source) then
        return 'recorded';
    end if;
    return 'repeated';
end
$$;

revoke all on function gtr_jobs.hash_address(text, text) from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.name_address(bytea) from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.suppress_hash(text, bytea, text, text) from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.suppress_address(text, text, text, text)
    from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.unsuppress_address(text, text, text) from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.suppress_recipient(uuid, text, text) from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.suppress_address(text, text, text, text) to gtr_worker;
grant execute on function gtr_jobs.unsuppress_address(text, text, text) to gtr_worker;
grant execute on function gtr_jobs.suppress_recipient(uuid, text, text) to gtr_worker;
