-- does: gives back what a worker claimed without ever learning of it, because the answer was lost on the way
-- requires: engine/jobs_table

-- p_job_ids and p_claim_numbers: the claims of this queue that the worker knows. Whatever else it holds was handed to
-- nobody, and no rescuer comes for the jobs of a living worker. Returns how many there were.
create or replace function gtr_jobs.release_unknown_jobs(
    p_queue text,
    p_worker_id bigint,
    p_job_ids bigint[],
    p_claim_numbers bigint[]
)
returns integer
language plpgsql
security definer
set search_path = ''
as $$
declare
    v_released integer;
begin
    update procrastinate.procrastinate_jobs as j
    set
        status = 'todo',
        worker_id = null,
        queueing_lock = null
    where
        j.id in (
            select held.id
            from procrastinate.procrastinate_jobs as held
            where
                held.status = 'doing'
                and held.worker_id = p_worker_id
                and held.queue_name = p_queue
                -- Hashed, whatever the planner believes of the arrays' length: "not exists" became a loop in a loop.
                and (held.id, held.claim_number) not in (
                    select
                        known.job_id,
                        known.claim_number
                    from unnest(p_job_ids, p_claim_numbers) as known (job_id, claim_number)
                )
            limit 1000
            for update skip locked
        );
    get diagnostics v_released = row_count;
    return v_released;
end
$$;

revoke all on function gtr_jobs.release_unknown_jobs(text, bigint, bigint[], bigint[])
    from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.release_unknown_jobs(text, bigint, bigint[], bigint[]) to gtr_worker;
