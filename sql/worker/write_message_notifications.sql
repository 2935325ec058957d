-- does: writes chat messages into the app's list of notifications, where an installation wants them there
-- requires: worker/name_row
-- table: public.messages
-- table: public.notifications

-- As worded for the push; who gets it is read from the message. Its id is made of the message's: once, however often
-- it is asked for. What goes wrong keeps no push from being sent: it stands in gtr_jobs.enqueue_errors.
create or replace function gtr_jobs.write_message_notifications(
    p_message_ids uuid[],
    p_titles text[],
    p_bodies text[]
)
returns integer
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_context text;
    v_written integer;
begin
    -- The trigger on notifications queues nothing for this type: its push is the message's own.
    insert into public.notifications (id, user_id, type, title, body, data, is_read, read_at)
    select
        gtr_jobs.name_row('message/' || m.id),
        m.recipient_id,
        'message',
        worded.title,
        worded.body,
        pg_catalog.jsonb_build_object('message_id', m.id, 'conversation_id', m.conversation_id, 'user_id', m.sender_id),
        coalesce(m.is_read, false),
        m.read_at
    from unnest(p_message_ids, p_titles, p_bodies) as worded (message_id, title, body)
    join public.messages as m on m.id = worded.message_id
    order by m.id
    on conflict (id) do nothing;
    get diagnostics v_written = row_count;
    return v_written;
exception
    when others then
        get stacked diagnostics v_context = pg_exception_context;
        if gtr_jobs.record_enqueue_error('write_message_notifications', sqlstate, sqlerrm, v_context) then
            raise;
        end if;
        return 0;
end
$$;

revoke all on function gtr_jobs.write_message_notifications(uuid[], text[], text[])
    from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.write_message_notifications(uuid[], text[], text[]) to gtr_worker;
