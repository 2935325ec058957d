-- does: queues a push to the customer and a slip for the workshop when a booking is written
-- table: public.bookings
-- enqueues: booking_confirmed
-- enqueues: write_slip

create or replace function garage.on_bookings_insert()
returns trigger
language plpgsql
security definer
set search_path = ''
set lock_timeout = '200ms'
as $$
declare
    v_context text;
begin
    -- A job is a kind, ids, and a key: while a job of that key waits, it is not queued twice.
    perform gtr_jobs.enqueue(array(
        select gtr_jobs.job(k.kind, pg_catalog.jsonb_build_object('id', b.id), k.kind || ':' || b.id)
        from new_rows as b
        cross join (values ('booking_confirmed'), ('write_slip')) as k (kind)
    ));
    return null;
exception
    -- The app's own write comes first: what could not be queued stands in gtr_jobs.enqueue_errors.
    when query_canceled or others then
        get stacked diagnostics v_context = pg_exception_context;
        if gtr_jobs.record_enqueue_error('garage.bookings_insert', sqlstate, sqlerrm, v_context) then
            raise;
        end if;
        return null;
end
$$;

revoke all on function garage.on_bookings_insert() from public, anon, authenticated, service_role;

create or replace trigger garage_bookings_insert
    after insert on public.bookings
    referencing new table as new_rows
    for each statement
    execute function garage.on_bookings_insert();
