-- does: writes down what an operator did to jobs, in the transaction that does it, and reads it

-- The role is the one that logged in: inside a definer function the current one says nothing.
create or replace function gtr_jobs.record_audit(
    p_run_id uuid,
    p_actor text,
    p_action text,
    p_reason text,
    p_wanted jsonb,
    p_detail jsonb,
    p_job_ids bigint[]
)
returns void
language sql
volatile
security definer
set search_path = ''
as $$
    insert into gtr_jobs.audit (
        run_id, actor, database_role, action, reason, wanted, detail, job_count, job_ids
    )
    values (
        p_run_id,
        p_actor,
        session_user,
        p_action,
        p_reason,
        p_wanted,
        p_detail,
        pg_catalog.cardinality(p_job_ids),
        p_job_ids
    )
$$;

create or replace function gtr_jobs.read_job_audit(p_job_id bigint)
returns table (acted_at timestamptz, actor text, database_role text, action text, reason text, run_id uuid)
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    return query
    select
        a.acted_at,
        a.actor,
        a.database_role,
        a.action,
        a.reason,
        a.run_id
    from gtr_jobs.audit as a
    where a.job_ids @> array[p_job_id]
    order by a.acted_at
    limit 100;
end
$$;

revoke all on function gtr_jobs.record_audit(uuid, text, text, text, jsonb, jsonb, bigint[])
    from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.read_job_audit(bigint) from public, anon, authenticated, service_role;
