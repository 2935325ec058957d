-- does: keeps all workers from asking an account of a provider that throttles, fails or refuses our keys
-- requires: engine/set_aside

-- Pauses an account for so many seconds, an hour and a bit at most; a pause that lasts longer stays. p_probe_after: seconds
-- until one worker may try it; null where nobody may. The end of the pause brings the jobs back that wait for it.
create or replace function gtr_jobs.pause_provider(
    p_account text,
    p_reason text,
    p_seconds double precision,
    p_probe_after double precision
)
returns void
language sql
volatile
security definer
set search_path = ''
as $$
    insert into gtr_jobs.provider_pauses as known (account, reason, paused_until, probe_at)
    values (
        p_account,
        p_reason,
        pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => least(greatest(p_seconds, 0), 3700)),
        pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => p_probe_after)
    )
    on conflict (account, reason) do update
        set
            paused_until = greatest(known.paused_until, excluded.paused_until),
            probe_at = excluded.probe_at
$$;

-- Takes the right to try an account that fails, and keeps it from others for so long. Where nobody says that it fails, whoever
-- believes so may find out.
create or replace function gtr_jobs.take_probe(p_account text, p_reason text, p_probe_after double precision)
returns boolean
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
    update gtr_jobs.provider_pauses as p
    set probe_at = pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => p_probe_after)
    where p.account = p_account and p.reason = p_reason and p.probe_at <= pg_catalog.clock_timestamp();
    if found then
        return true;
    end if;
    return not exists (
        select from gtr_jobs.provider_pauses as p
        where
            p.account = p_account
            and p.reason = p_reason
            and p.paused_until > pg_catalog.clock_timestamp()
    );
end
$$;

-- Says that an account is well again; what it was throttled for is served to the end.
create or replace function gtr_jobs.resume_provider(p_account text)
returns void
language sql
volatile
security definer
set search_path = ''
as $$
    delete from gtr_jobs.provider_pauses as p
    where p.account = p_account and p.reason <> 'throttled'
$$;

revoke all on function gtr_jobs.pause_provider(text, text, double precision, double precision)
    from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.take_probe(text, text, double precision)
    from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.resume_provider(text) from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.pause_provider(text, text, double precision, double precision) to gtr_worker;
grant execute on function gtr_jobs.take_probe(text, text, double precision) to gtr_worker;
grant execute on function gtr_jobs.resume_provider(text) to gtr_worker;
