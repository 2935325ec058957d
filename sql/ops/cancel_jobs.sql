-- does: lets operators take waiting jobs out of the queue

-- At most 1,000 jobs a call. What is being done is left alone. Returns the jobs that were cancelled.
create or replace function gtr_jobs.cancel_jobs(
    p_job_ids bigint[],
    p_run_id uuid,
    p_actor text,
    p_reason text,
    p_wanted jsonb
)
returns bigint[]
language plpgsql
volatile
security definer
set search_path = ''
set lock_timeout = '5s'
as $$
declare
    v_cancelled bigint[];
begin
    if pg_catalog.cardinality(p_job_ids) > 1000 then
        raise exception 'more than 1000 jobs in one call' using errcode = 'invalid_parameter_value';
    end if;
    v_cancelled := gtr_jobs.withdraw_jobs(p_job_ids);
    if v_cancelled <> '{}' then
        perform gtr_jobs.record_audit(p_run_id, p_actor, 'cancel', p_reason, p_wanted, '{}', v_cancelled);
    end if;
    return v_cancelled;
end
$$;

revoke all on function gtr_jobs.cancel_jobs(bigint[], uuid, text, text, jsonb)
    from public, anon, authenticated, service_role;
