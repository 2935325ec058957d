-- does: takes note of the device when a client writes a device token for the first time
-- table: public.user_device_tokens
-- keeps: gtr_jobs.devices
-- requires: rules/note_registrations

create or replace function gtr_jobs.on_user_device_tokens_insert()
returns trigger
language plpgsql
security definer
set search_path = ''
set lock_timeout = '200ms'
as $$
declare
    v_context text;
begin
    perform gtr_jobs.note_registrations(array(select t.id from new_rows as t));
    return null;
exception
    when query_canceled or others then
        get stacked diagnostics v_context = pg_exception_context;
        if gtr_jobs.record_enqueue_error('user_device_tokens_insert', sqlstate, sqlerrm, v_context) then
            raise;
        end if;
        return null;
end
$$;

revoke all on function gtr_jobs.on_user_device_tokens_insert() from public, anon, authenticated, service_role;

-- The RPC says more of the device than its row does, and refuses what this could only note.
create or replace trigger gtr_jobs_user_device_tokens_insert
    after insert on public.user_device_tokens
    referencing new table as new_rows
    for each statement
    when (coalesce(current_setting('gtr_jobs.registration', true), '') <> 'rpc')
    execute function gtr_jobs.on_user_device_tokens_insert();
