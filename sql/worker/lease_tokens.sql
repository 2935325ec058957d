-- does: leases a worker some tokens of a rate that all workers share, an operator's or a provider's published one

-- At most p_wanted, and no more than 0.2 s are worth (one at least): the first may be used in starts_in seconds (at once
-- where that is not above 0), each other 1 / per_second later. None are granted more than 0.5 s ahead: ask again in
-- starts_in seconds. A rate that nobody set is without a limit: all are granted. Tokens that nobody asked for are kept
-- for 0.25 s and no longer, so that nothing is sent in bursts. By the clock of the database alone.
-- p_default: the rate where no operator set one. It grows from a twentieth to its whole over p_grow_seconds, and begins anew
-- when nobody asked for so long; an operator's rate is what it is. 0 grows nothing.
create or replace function gtr_jobs.lease_tokens_of(
    p_scope text,
    p_name text,
    p_wanted integer,
    p_default double precision,
    p_grow_seconds double precision
)
returns table (granted integer, starts_in double precision, per_second double precision)
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_set constant double precision := (
        select s.amount
        from gtr_jobs.switches as s
        where
            s.lever = 'rate'
            and s.scope = p_scope
            and s.name = p_name
            and s.key_argument = ''
            and (s.expires_at is null or s.expires_at > pg_catalog.clock_timestamp())
    );
    v_per_second double precision := coalesce(v_set, p_default);
    v_grows_since timestamptz;
    v_slice integer;
    v_next timestamptz;
    v_now timestamptz;
    v_start timestamptz;
begin
    if v_per_second is null then
        return query select p_wanted, 0::double precision, null::double precision;
        return;
    end if;
    insert into gtr_jobs.rate_buckets (scope, name, next_token_at)
    values (p_scope, p_name, pg_catalog.clock_timestamp())
    on conflict (scope, name) do nothing;
    select
        b.next_token_at,
        b.grows_since
    into v_next, v_grows_since
    from gtr_jobs.rate_buckets as b
    where b.scope = p_scope and b.name = p_name
    for update;
    v_now := pg_catalog.clock_timestamp();
    if v_set is null and p_grow_seconds > 0 then
        if v_grows_since is null or v_next < v_now - pg_catalog.make_interval(secs => p_grow_seconds) then
            v_grows_since := v_now;
        end if;
        v_per_second := v_per_second
            * least(1, 0.05 + 0.95 * extract(epoch from v_now - v_grows_since) / p_grow_seconds);
    end if;
    v_slice := greatest(1, pg_catalog.floor(v_per_second * 0.2))::integer;
    v_start := least(
        greatest(v_next, v_now - interval '0.25 s'),
        -- No lease leads further: the rate has grown since, or the clock was set back.
        v_now + pg_catalog.make_interval(secs => 0.5 + v_slice / v_per_second)
    );
    if v_start > v_now + interval '0.5 s' then
        granted := 0;
    else
        granted := greatest(0, least(p_wanted, v_slice));
    end if;
    starts_in := extract(epoch from v_start - v_now);
    per_second := v_per_second;
    update gtr_jobs.rate_buckets as b
    set
        next_token_at = v_start + pg_catalog.make_interval(secs => granted / v_per_second),
        grows_since = v_grows_since
    where b.scope = p_scope and b.name = p_name;
    return next;
end
$$;

-- For workers of before there were published rates.
create or replace function gtr_jobs.lease_tokens(p_scope text, p_name text, p_wanted integer)
returns table (granted integer, starts_in double precision, per_second double precision)
language sql
volatile
security definer
set search_path = ''
as $$
    select
        l.granted,
        l.starts_in,
        l.per_second
    from gtr_jobs.lease_tokens_of(p_scope, p_name, p_wanted, null, 0) as l
$$;

revoke all on function gtr_jobs.lease_tokens_of(text, text, integer, double precision, double precision)
    from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.lease_tokens(text, text, integer) from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.lease_tokens_of(text, text, integer, double precision, double precision)
    to gtr_worker;
grant execute on function gtr_jobs.lease_tokens(text, text, integer) to gtr_worker;
