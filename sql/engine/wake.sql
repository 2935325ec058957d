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

revoke all on function gtr_jobs.fall_asleep(text, bigint) from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.stay_awake(text, bigint) from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.fall_asleep(text, bigint) to gtr_worker;
grant execute on function gtr_jobs.stay_awake(text, bigint) to gtr_worker;
