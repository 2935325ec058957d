-- does: tells a worker what operators paused, limited or ramped, and which accounts of providers are not asked, as of now

-- queue: for a kind the queue that its jobs wait in. An account that is not asked: lever provider_pause, the reason for its
-- scope, and amount in seconds from now.
create or replace function gtr_jobs.read_switches()
returns table (lever text, scope text, name text, key_argument text, amount numeric, queue text)
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    return query
    select
        s.lever,
        s.scope,
        s.name,
        s.key_argument,
        s.amount,
        k.queue
    from gtr_jobs.switches as s
    left join gtr_jobs.job_kinds as k on k.kind = s.name and s.scope = 'kind'
    where s.expires_at is null or s.expires_at > pg_catalog.clock_timestamp()
    -- As many as can be set, and some.
    limit 10000;

    return query
    select
        'provider_pause',
        p.reason,
        p.account,
        '',
        extract(epoch from p.paused_until - pg_catalog.clock_timestamp()),
        null::text
    from gtr_jobs.provider_pauses as p
    where p.paused_until > pg_catalog.clock_timestamp()
    limit 1000;
end
$$;

revoke all on function gtr_jobs.read_switches() from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.read_switches() to gtr_worker;
