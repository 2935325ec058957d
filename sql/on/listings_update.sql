-- does: queues a look for the people whose saved searches a listing fits, when it becomes active
-- table: public.listings
-- table: public.saved_searches
-- table: public.notifications
-- enqueues: match_saved_searches

create or replace function gtr_jobs.on_listings_update()
returns trigger
language plpgsql
security definer
set search_path = ''
set lock_timeout = '200ms'
as $$
declare
    v_context text;
    v_jobs gtr_jobs.job_request[];
begin
    -- Under the key of the insert: one that still waits will see the listing as it is now.
    v_jobs := array(
        select gtr_jobs.job('match_saved_searches', pg_catalog.jsonb_build_object('id', l.id), 'listing:' || l.id)
        from new_rows as l
        join old_rows as before on before.id = l.id
        where l.status::text = 'active' and before.status::text is distinct from 'active'
    );
    -- Counters and texts are updated often, and cause nothing.
    if pg_catalog.cardinality(v_jobs) > 0 then
        perform gtr_jobs.enqueue(v_jobs);
    end if;
    return null;
exception
    when query_canceled or others then
        get stacked diagnostics v_context = pg_exception_context;
        if gtr_jobs.record_enqueue_error('listings_update', sqlstate, sqlerrm, v_context) then
            raise;
        end if;
        return null;
end
$$;

revoke all on function gtr_jobs.on_listings_update() from public, anon, authenticated, service_role;

create or replace trigger gtr_jobs_listings_update
    after update on public.listings
    referencing old table as old_rows new table as new_rows
    for each statement
    execute function gtr_jobs.on_listings_update();
