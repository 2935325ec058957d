-- does: forgets a device when its row is deleted, as on signing out; whose its token is stays known
-- table: public.user_device_tokens
-- keeps: gtr_jobs.devices

create or replace function gtr_jobs.on_user_device_tokens_delete()
returns trigger
language plpgsql
security definer
set search_path = ''
set lock_timeout = '200ms'
as $$
declare
    v_context text;
begin
    delete from gtr_jobs.devices as k
    using old_rows as t
    where k.device_id = t.id;
    return null;
exception
    when query_canceled or others then
        get stacked diagnostics v_context = pg_exception_context;
        if gtr_jobs.record_enqueue_error('user_device_tokens_delete', sqlstate, sqlerrm, v_context) then
            raise;
        end if;
        return null;
end
$$;

revoke all on function gtr_jobs.on_user_device_tokens_delete() from public, anon, authenticated, service_role;

create or replace trigger gtr_jobs_user_device_tokens_delete
    after delete on public.user_device_tokens
    referencing old table as old_rows
    for each statement
    execute function gtr_jobs.on_user_device_tokens_delete();
