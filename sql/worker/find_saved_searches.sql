-- does: finds the people whose saved searches a listing fits, in one indexed query
-- table: public.listings
-- table: public.saved_searches

-- Active searches by what a listing must have of them: one word of the text, the model, state and city, together as one
-- number; then the bounds of price and year. A listing looks up every number that its own words and places make, so
-- that hardly a row is fetched that does not fit. Built-in functions only: whoever saves a search evaluates them, and
-- may call nothing of ours. The word is one without which the text finds nothing; none where the text has an operator
-- (or, -) or a sign that could be read in two ways.
create index if not exists gtr_jobs_saved_searches_match
    on public.saved_searches (
        hashtextextended(
            case
                when search_query ~* '\mor\M|(^|[^[:alnum:]])-|[^[:alnum:][:space:]".,-]'::text then ''::text
                else coalesce(
                    (tsvector_to_array(to_tsvector('english'::regconfig, substr(search_query, 1, 500))))[1], ''::text
                )
            end
            || '|'::text || lower(btrim(coalesce(model, ''::text)))
            || '|'::text || lower(btrim(coalesce(state, ''::text)))
            || '|'::text || lower(btrim(coalesce(city, ''::text))),
            (0)::bigint
        ),
        coalesce(min_price, (0)::numeric),
        coalesce(max_price, 'Infinity'::numeric),
        coalesce(min_year, 0),
        coalesce(max_year, 2147483647)
    )
    where is_active;

-- Gives each person once, with the name of the oldest of their searches that fit; a page at a time, by the person's id.
-- The index says where to look; every field is compared here, letters in either case.
create or replace function gtr_jobs.find_saved_searches(p_listing_id uuid, p_after uuid, p_limit integer)
returns table (user_id uuid, search_name text)
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    return query
    with listing as materialized (
        select
            l.user_id,
            words.all_words,
            pg_catalog.to_tsvector('simple', pg_catalog.concat_ws(', ', l.location, l.city, l.state, l.country)) as place,
            pg_catalog.lower(pg_catalog.btrim(coalesce(l.model, ''))) as model,
            pg_catalog.lower(pg_catalog.btrim(coalesce(l.state, ''))) as state,
            pg_catalog.lower(pg_catalog.btrim(coalesce(l.city, ''))) as city,
            pg_catalog.lower(pg_catalog.btrim(l.condition)) as condition,
            pg_catalog.lower(pg_catalog.btrim(l.transmission)) as transmission,
            -- What has no price or year fits only searches that do not limit it.
            coalesce(l.price, 0) as least_price,
            coalesce(l.price, 'Infinity') as most_price,
            coalesce(l.year, 0) as least_year,
            coalesce(l.year, 2147483647) as most_year
        from public.listings as l
        cross join lateral (
            select pg_catalog.to_tsvector(
                'english', pg_catalog.concat_ws(' ', l.title, l.model, pg_catalog.substr(l.description, 1, 10000))
            ) as all_words
        ) as words
        where l.id = p_listing_id and l.status::text = 'active'
    ),

    looked_up as materialized (
        select
            l.*,
            array(
                select distinct pg_catalog.hashtextextended(
                    pg_catalog.concat_ws('|', anchor.word, model.name, state.name, city.name), 0
                )
                from unnest(pg_catalog.array_append(pg_catalog.tsvector_to_array(l.all_words), '')) as anchor (word)
                cross join unnest(array['', l.model]) as model (name)
                cross join unnest(array['', l.state]) as state (name)
                cross join unnest(array['', l.city]) as city (name)
            ) as keys
        from listing as l
    )

    select distinct on (s.user_id)
        s.user_id,
        s.search_name
    from looked_up as l
    join public.saved_searches as s
        on
            s.is_active
            and hashtextextended(
                case
                    when s.search_query ~* '\mor\M|(^|[^[:alnum:]])-|[^[:alnum:][:space:]".,-]'::text then ''::text
                    else coalesce(
                        (tsvector_to_array(to_tsvector('english'::regconfig, substr(s.search_query, 1, 500))))[1],
                        ''::text
                    )
                end
                || '|'::text || lower(btrim(coalesce(s.model, ''::text)))
                || '|'::text || lower(btrim(coalesce(s.state, ''::text)))
                || '|'::text || lower(btrim(coalesce(s.city, ''::text))),
                (0)::bigint
            ) = any(l.keys)
            and coalesce(s.min_price, (0)::numeric) <= l.least_price
            and coalesce(s.max_price, 'Infinity'::numeric) >= l.most_price
            and coalesce(s.min_year, 0) <= l.least_year
            and coalesce(s.max_year, 2147483647) >= l.most_year
    where
        s.user_id <> l.user_id
        and s.user_id > p_after
        and pg_catalog.lower(pg_catalog.btrim(coalesce(s.model, ''))) in ('', l.model)
        and pg_catalog.lower(pg_catalog.btrim(coalesce(s.state, ''))) in ('', l.state)
        and pg_catalog.lower(pg_catalog.btrim(coalesce(s.city, ''))) in ('', l.city)
        and (
            coalesce(pg_catalog.btrim(s.search_query), '') = ''
            or l.all_words @@ pg_catalog.websearch_to_tsquery(
                'english',
                -- The parser raises an error where too many minus signs stand before one word.
                pg_catalog.regexp_replace(pg_catalog.substr(s.search_query, 1, 500), '-[-[:space:]!&|()]*-', '-', 'g')
            )
        )
        and (
            coalesce(pg_catalog.btrim(s.location), '') = ''
            or l.place @@ pg_catalog.phraseto_tsquery('simple', pg_catalog.substr(s.location, 1, 200))
        )
        and (
            coalesce(pg_catalog.cardinality(s.condition), 0) = 0
            or l.condition in (select pg_catalog.lower(pg_catalog.btrim(c)) from unnest(s.condition) as c)
        )
        and (
            coalesce(pg_catalog.cardinality(s.transmission), 0) = 0
            or l.transmission in (select pg_catalog.lower(pg_catalog.btrim(t)) from unnest(s.transmission) as t)
        )
    order by s.user_id, s.created_at, s.id
    limit least(p_limit, 10000);
end
$$;

revoke all on function gtr_jobs.find_saved_searches(uuid, uuid, integer)
    from public, anon, authenticated, service_role;
