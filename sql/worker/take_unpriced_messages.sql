-- does: gives texts of which no price is known yet, each to one worker at a time

-- At most 500. Asked for ten minutes after they were sent, then after an hour, six and twenty-four, and no more.
create or replace function gtr_jobs.take_unpriced_messages(p_provider text, p_limit integer)
returns table (delivery_id uuid, provider_id text)
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
    return query
    update gtr_jobs.outgoing as o
    set
        asked = o.asked + 1,
        ask_at = case o.asked
            when 0 then pg_catalog.now() + interval '1 hour'
            when 1 then pg_catalog.now() + interval '6 hours'
            when 2 then pg_catalog.now() + interval '24 hours'
        end
    where o.delivery_id = any(array(
        select due.delivery_id
        from gtr_jobs.outgoing as due
        where
            due.ask_at is not null
            and due.ask_at <= pg_catalog.now()
            and due.provider = p_provider
            and due.provider_id is not null
        order by due.ask_at
        limit least(p_limit, 500)
        for update skip locked
    ))
    returning o.delivery_id, o.provider_id;
end
$$;

revoke all on function gtr_jobs.take_unpriced_messages(text, integer) from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.take_unpriced_messages(text, integer) to gtr_worker;
