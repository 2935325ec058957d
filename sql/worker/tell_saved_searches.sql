-- does: tells people of a listing that fits a saved search of theirs: one notification and one push each, ever
-- requires: worker/find_saved_searches
-- requires: worker/name_row
-- table: public.listings
-- table: public.saved_searches
-- table: public.notifications

-- A page of people after one of them. Returns how many the listing fits, how many of these were told now, and the last.
create or replace function gtr_jobs.tell_saved_searches(
    p_listing_id uuid,
    p_after uuid,
    p_limit integer,
    p_trace_id text
)
returns table (fitting integer, told integer, last_user_id uuid)
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_written uuid[];
begin
    -- The pushes go on under the trace of the call that wrote the listing.
    perform pg_catalog.set_config(
        'request.headers',
        pg_catalog.jsonb_build_object('traceparent', '00-' || p_trace_id || '-0000000000000001-01')::text,
        true
    );
    with found as materialized (
        select
            f.user_id,
            f.search_name
        from gtr_jobs.find_saved_searches(p_listing_id, p_after, p_limit) as f
    ),

    untold as (
        insert into gtr_jobs.search_matches (listing_id, user_id)
        select
            p_listing_id,
            f.user_id
        from found as f
        order by f.user_id
        on conflict (listing_id, user_id) do nothing
        returning search_matches.user_id
    ),

    written as (
        insert into public.notifications (id, user_id, type, title, body, data)
        select
            gtr_jobs.name_row('saved_search_match/' || p_listing_id || '/' || u.user_id),
            u.user_id,
            'saved_search_match',
            coalesce(
                'New listing for "' || nullif(pg_catalog.btrim(pg_catalog.left(f.search_name, 200)), '') || '"',
                'New listing for your saved search'
            ),
            l.title,
            pg_catalog.jsonb_build_object('listing_id', l.id, 'user_id', l.user_id)
        from untold as u
        join found as f on f.user_id = u.user_id
        join public.listings as l on l.id = p_listing_id
        on conflict (id) do nothing
        returning notifications.id
    )

    select
        (select pg_catalog.count(*) from found),
        (select f.user_id from found as f order by f.user_id desc limit 1),
        array(select w.id from written as w)
    into fitting, last_user_id, v_written;

    -- The trigger on notifications has queued these already, under the same keys. It forgives what goes wrong, for the
    -- app's sake; here nothing may, or a row would stand without its push.
    perform gtr_jobs.enqueue(array(
        select gtr_jobs.job('saved_search_match', pg_catalog.jsonb_build_object('id', w.id), 'notification:' || w.id)
        from unnest(v_written) as w (id)
    ));
    told := pg_catalog.cardinality(v_written);
    return next;
end
$$;

revoke all on function gtr_jobs.tell_saved_searches(uuid, uuid, integer, text)
    from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.tell_saved_searches(uuid, uuid, integer, text) to gtr_worker;
