-- does: shows the queue in our own words, so that nothing outside this folder names procrastinate
-- requires: engine/jobs_table

create or replace view gtr_jobs.jobs
with (security_invoker = on)
as
select
    j.id as job_id,
    j.queue_name::text as queue,
    j.task_name::text as kind,
    j.args,
    j.priority,
    -- Not cast and not judged here: the partial indexes are found by this column.
    j.status,
    j.worker_id,
    j.attempts,
    j.claim_number,
    j.lost_claims,
    j.scheduled_at,
    j.enqueued_at,
    j.event_day,
    j.trace_id
from procrastinate.procrastinate_jobs as j
where j.status in ('todo', 'doing');

revoke all on gtr_jobs.jobs from public, anon, authenticated, service_role;
