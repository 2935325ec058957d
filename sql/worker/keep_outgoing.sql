-- does: erases what messages are filled with once they are too old, and counts what is not cleared up and what was spent

-- At most p_limit, the oldest first; returns how many.
create or replace function gtr_jobs.erase_expired_messages(p_limit integer)
returns integer
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_erased integer;
begin
    update gtr_jobs.outgoing as o
    set data = null
    where o.delivery_id = any(array(
        select old.delivery_id
        from gtr_jobs.outgoing as old
        where old.data is not null and old.expires_at <= pg_catalog.now()
        order by old.expires_at
        limit least(p_limit, 10000)
        for update skip locked
    ));
    get diagnostics v_erased = row_count;
    return v_erased;
end
$$;

-- What may have been sent, and whose call is over: by channel, up to 10,000.
create or replace function gtr_jobs.count_unsettled_messages()
returns table (channel text, messages integer)
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    return query
    select
        c.channel,
        pg_catalog.count(u.channel)::integer
    from (values ('sms'), ('email')) as c (channel)
    left join (
        select o.channel
        from gtr_jobs.outgoing as o
        where o.deadline <= pg_catalog.now() and o.settled_at is null and o.deadline is not null
        limit 10000
    ) as u on u.channel = c.channel
    group by c.channel;
end
$$;

create or replace function gtr_jobs.read_spend_today()
returns table (channel text, country text, price numeric, expected numeric)
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    return query
    select
        s.channel,
        s.country,
        sum(s.price),
        sum(s.expected)
    from gtr_jobs.spend as s
    where s.day = (pg_catalog.now() at time zone 'utc')::date
    group by s.channel, s.country
    limit 500;
end
$$;

revoke all on function gtr_jobs.erase_expired_messages(integer) from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.count_unsettled_messages() from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.read_spend_today() from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.erase_expired_messages(integer) to gtr_worker;
grant execute on function gtr_jobs.count_unsettled_messages() to gtr_worker;
grant execute on function gtr_jobs.read_spend_today() to gtr_worker;
