-- does: queues a look for the people whose saved searches a listing fits, when an active one is written
-- table: public.listings
-- table: public.saved_searches
-- table: public.notifications
-- enqueues: match_saved_searches

create or replace function gtr_jobs.on_listings_insert()
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
        select gtr_jobs.job('match_saved_searches', pg_catalog.jsonb_build_object('id', l.id), 'listing:' || l.id)
        from new_rows as l
        where l.status::text = 'active'
    ));
    return null;
exception
    when query_canceled or others then
        get stacked diagnostics v_context = pg_exception_context;
        if gtr_jobs.record_enqueue_error('listings_insert', sqlstate, sqlerrm, v_context) then
            raise;
        end if;
        return null;
end
$$;

revoke all on function gtr_jobs.on_listings_insert() from public, anon, authenticated, service_role;

create or replace trigger gtr_jobs_listings_insert
    after insert on public.listings
    referencing new table as new_rows
    for each statement
    execute function gtr_jobs.on_listings_insert();
