-- does: shows a person what became of the messages to them, newest first, and nobody else's
-- requires: rules/refuse

create or replace function gtr_jobs.my_deliveries(p_limit integer, p_before timestamptz)
returns table (kind text, channel text, state text, created_at timestamptz, updated_at timestamptz)
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    v_user_id constant uuid := auth.uid();
begin
    if v_user_id is null then
        perform gtr_jobs.refuse(401, 'not_signed_in', 'nobody is signed in', 'Sign in first.');
    end if;
    if p_limit is null or p_limit not between 1 and 200 then
        perform gtr_jobs.refuse(422, 'limit', 'the limit is out of range', 'Give 1 to 200.');
    end if;
    return query
    select
        d.kind,
        d.channel,
        d.state::text,
        d.created_at,
        d.updated_at
    from gtr_jobs.deliveries as d
    where d.user_id = v_user_id and d.created_at < coalesce(p_before, 'infinity')
    order by d.created_at desc
    -- What was written in one moment stays on one page: the next one begins before it.
    fetch first p_limit rows with ties;
end
$$;

create or replace function public.my_deliveries(p_limit integer default 50, p_before timestamptz default null)
returns table (kind text, channel text, state text, created_at timestamptz, updated_at timestamptz)
language sql
stable
set search_path = ''
as $$
    select d.kind, d.channel, d.state, d.created_at, d.updated_at from gtr_jobs.my_deliveries(p_limit, p_before) as d
$$;

revoke all on function gtr_jobs.my_deliveries(integer, timestamptz) from public, anon, authenticated, service_role;
revoke all on function public.my_deliveries(integer, timestamptz) from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.my_deliveries(integer, timestamptz) to authenticated;
grant execute on function public.my_deliveries(integer, timestamptz) to authenticated;
