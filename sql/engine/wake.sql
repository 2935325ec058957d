-- does: lets a worker say that it sleeps, so that an insert knows whom to wake

create or replace function gtr_jobs.fall_asleep(p_queue text, p_worker_id bigint)
returns void
language sql
volatile
security definer
set search_path = ''
as $$
    insert into gtr_jobs.sleeping_workers (queue, worker_id)
    values (p_queue, p_worker_id)
    on conflict (queue, worker_id) do nothing
$$;

create or replace function gtr_jobs.stay_awake(p_queue text, p_worker_id bigint)
returns void
language sql
volatile
security definer
set search_path = ''
as $$
    delete from gtr_jobs.sleeping_workers as s where s.queue = p_queue and s.worker_id = p_worker_id
$$;

-- Every worker that wakes leaves a dead row behind, and every insert of the app reads this table. While an old
-- transaction keeps dead rows from being cleaned up, the table is emptied: who still sleeps says so again with its next
-- nap. Returns whether it was emptied.
create or replace function gtr_jobs.sweep_sleepers()
returns boolean
language plpgsql
volatile
security definer
set search_path = ''
set lock_timeout = '50ms'
as $$
begin
    if pg_catalog.pg_relation_size('gtr_jobs.sleeping_workers'::regclass) <= 65536 then
        return false;
    end if;
    truncate gtr_jobs.sleeping_workers;
    return true;
exception
    when lock_not_available then
        return false;
end
$$;

revoke all on function gtr_jobs.fall_asleep(text, bigint) from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.stay_awake(text, bigint) from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.sweep_sleepers() from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.fall_asleep(text, bigint) to gtr_worker;
grant execute on function gtr_jobs.stay_awake(text, bigint) to gtr_worker;
grant execute on function gtr_jobs.sweep_sleepers() to gtr_worker;
