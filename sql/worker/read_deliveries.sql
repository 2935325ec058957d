-- does: reads what is known of the deliveries of jobs that run again, so that nothing is sent twice

create or replace function gtr_jobs.read_deliveries(p_days date[], p_dedupe_keys uuid[])
returns table (dedupe_key uuid, state gtr_jobs.delivery_state)
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    return query
    select
        d.dedupe_key,
        d.state
    from gtr_jobs.deliveries as d
    where d.day = any(p_days) and d.dedupe_key = any(p_dedupe_keys);
end
$$;

revoke all on function gtr_jobs.read_deliveries(date[], uuid[]) from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.read_deliveries(date[], uuid[]) to gtr_worker;
