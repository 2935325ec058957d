-- does: forgets who was told of a listing when the listing is deleted
-- table: public.listings
-- table: public.saved_searches
-- keeps: gtr_jobs.search_matches

create or replace function gtr_jobs.on_listings_delete()
returns trigger
language plpgsql
security definer
set search_path = ''
set lock_timeout = '200ms'
as $$
declare
    v_context text;
begin
    delete from gtr_jobs.search_matches as m
    using old_rows as l
    where m.listing_id = l.id;
    return null;
exception
    when query_canceled or others then
        get stacked diagnostics v_context = pg_exception_context;
        if gtr_jobs.record_enqueue_error('listings_delete', sqlstate, sqlerrm, v_context) then
            raise;
        end if;
        return null;
end
$$;

revoke all on function gtr_jobs.on_listings_delete() from public, anon, authenticated, service_role;

create or replace trigger gtr_jobs_listings_delete
    after delete on public.listings
    referencing old table as old_rows
    for each statement
    execute function gtr_jobs.on_listings_delete();
