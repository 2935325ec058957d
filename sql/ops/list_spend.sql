-- does: shows operators what was sent a day and country, and what it cost

-- The days since then, at most 1,000 rows. expected: of messages whose price is not known yet.
create or replace function gtr_jobs.list_spend(p_days integer)
returns table (
    day date,
    channel text,
    provider text,
    country text,
    messages integer,
    segments integer,
    price numeric,
    expected numeric,
    currency text
)
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    return query
    select
        s.day,
        s.channel,
        s.provider,
        s.country,
        s.messages,
        s.segments,
        s.price,
        s.expected,
        s.currency
    from gtr_jobs.spend as s
    where s.day > (pg_catalog.now() at time zone 'utc')::date - p_days
    order by s.day desc, s.channel, s.price + s.expected desc, s.country, s.provider
    limit 1000;
end
$$;

revoke all on function gtr_jobs.list_spend(integer) from public, anon, authenticated, service_role;
