-- does: queues a push to the recipient when a chat message is written
-- table: public.messages
-- enqueues: message

create or replace function gtr_jobs.on_messages_insert()
returns trigger
language plpgsql
security definer
set search_path = ''
set lock_timeout = '200ms'
as $$
declare
    v_context text;
begin
    perform gtr_jobs.enqueue(array(
        select
            -- As gtr_jobs.job() makes it; the app's busiest table pays for no call.
            ('message', pg_catalog.jsonb_build_object('id', m.id), 'message:' || m.id, null)::gtr_jobs.job_request
        from new_rows as m
        where m.recipient_id <> m.sender_id
    ));
    return null;
exception
    when query_canceled or others then
        get stacked diagnostics v_context = pg_exception_context;
        if gtr_jobs.record_enqueue_error('messages_insert', sqlstate, sqlerrm, v_context) then
            raise;
        end if;
        return null;
end
$$;

revoke all on function gtr_jobs.on_messages_insert() from public, anon, authenticated, service_role;

create or replace trigger gtr_jobs_messages_insert
    after insert on public.messages
    referencing new table as new_rows
    for each statement
    execute function gtr_jobs.on_messages_insert();
