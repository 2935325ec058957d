-- does: makes good what taking note of devices missed, and forgets tokens that nobody has registered for long
-- requires: rules/note_registrations

-- Returns how many devices were noted. The app's table is gone through only after a trigger on it failed.
create or replace function gtr_jobs.keep_devices()
returns bigint
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_noted bigint := 0;
begin
    if exists (
        select
        from gtr_jobs.enqueue_errors as e
        where
            e.failed_at > pg_catalog.now() - interval '3 hours'
            and pg_catalog.starts_with(e.source, 'user_device_tokens_')
    ) and pg_catalog.to_regclass('public.user_device_tokens') is not null then
        v_noted := gtr_jobs.note_missed_devices();
        delete from gtr_jobs.devices as k
        where
            k.device_id in (
                select gone.device_id
                from gtr_jobs.devices as gone
                where not exists (
                    select from public.user_device_tokens as t where t.id = gone.device_id
                )
                limit 10000
            );
    end if;
    -- FCM takes a token that was not used for so long for expired.
    delete from gtr_jobs.token_owners as o
    where o.token_hash in (
        select old.token_hash
        from gtr_jobs.token_owners as old
        where old.seen_at < pg_catalog.now() - interval '270 days'
        order by old.seen_at
        limit 1000
        for update skip locked
    );
    return v_noted;
end
$$;

revoke all on function gtr_jobs.keep_devices() from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.keep_devices() to gtr_worker;
