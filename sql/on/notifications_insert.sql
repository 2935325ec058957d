-- does: queues a push to the person told when the app's own code writes a notification
-- table: public.notifications
-- enqueues: listing_favorited
-- enqueues: event_favorited
-- enqueues: event_rsvp
-- enqueues: forum_comment
-- enqueues: forum_reply
-- enqueues: forum_like
-- enqueues: saved_search_match

create or replace function gtr_jobs.on_notifications_insert()
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
        -- As text: the app's column may be an enum.
        select gtr_jobs.job(n.type::text, pg_catalog.jsonb_build_object('id', n.id), 'notification:' || n.id)
        from new_rows as n
        join gtr_jobs.job_kinds as k
            on k.kind = n.type::text and 'notifications_insert' = any(pg_catalog.string_to_array(k.produced_by, ' '))
    ));
    return null;
exception
    when query_canceled or others then
        get stacked diagnostics v_context = pg_exception_context;
        if gtr_jobs.record_enqueue_error('notifications_insert', sqlstate, sqlerrm, v_context) then
            raise;
        end if;
        return null;
end
$$;

revoke all on function gtr_jobs.on_notifications_insert() from public, anon, authenticated, service_role;

-- The app's policy lets any client insert a notification for anyone, itself or through create_notification():
-- only rows that the app's own triggers wrote (they run inside another trigger) or that server code wrote push.
create or replace trigger gtr_jobs_notifications_insert
    after insert on public.notifications
    referencing new table as new_rows
    for each statement
    when (pg_trigger_depth() > 0 or current_setting('role') in ('service_role', 'none'))
    execute function gtr_jobs.on_notifications_insert();
