-- does: makes a role that may look at jobs, requeue, discard and cancel, pause and limit, suppress, and nothing else; read it before you run it
--
-- Whoever has the connection string of `postgres` can do this and everything else. This role is for those who should
-- only operate: give it to a login (`grant gtr_operator to ann`), or let it log in itself
-- (`alter role gtr_operator login password '...'`), and use that as GTR_ADMIN_DATABASE_URL. The audit names the login.
-- It reads no table and calls no function but these. Run it again after an upgrade.
set lock_timeout = '3s';

do $$
begin
    if not exists (select from pg_catalog.pg_roles where rolname = 'gtr_operator') then
        create role gtr_operator nologin;
    end if;
end
$$;

grant usage on schema gtr_jobs to gtr_operator;
grant execute on function
gtr_jobs.acknowledge_lineage(uuid, text, text, jsonb),
gtr_jobs.add_suppression(text, text, uuid, text, text, jsonb),
gtr_jobs.cancel_jobs(bigint[], uuid, text, text, jsonb),
gtr_jobs.clear_switch(text, text, text, text, uuid, text, text, jsonb),
gtr_jobs.discard_dead_jobs(bigint[], uuid, text, text, jsonb),
gtr_jobs.find_dead_jobs(text, timestamptz, text, text, boolean, integer),
gtr_jobs.group_dead_jobs(text, timestamptz, integer),
gtr_jobs.list_cron(),
gtr_jobs.list_dead_jobs(text, timestamptz, text, text, integer),
gtr_jobs.list_jobs(text, text, text, integer),
gtr_jobs.list_kinds(),
gtr_jobs.list_spend(integer),
gtr_jobs.list_suppressions(text, text, integer),
gtr_jobs.list_switches(),
gtr_jobs.note_message_test(text, text, uuid, text, text, jsonb),
gtr_jobs.preview_dead_jobs(bigint[], text[], interval[]),
gtr_jobs.read_installation(),
gtr_jobs.read_job_audit(bigint),
gtr_jobs.read_job_deliveries(date, bigint),
gtr_jobs.read_jobs(bigint[]),
gtr_jobs.read_lineage(),
gtr_jobs.read_queue_depth(),
gtr_jobs.read_workers(),
gtr_jobs.remove_suppressions(text, text, text, uuid, text, text, jsonb),
gtr_jobs.requeue_dead_jobs(bigint[], double precision, double precision, uuid, text, text, jsonb),
gtr_jobs.set_switch(text, text, text, text, numeric, double precision, uuid, text, text, jsonb)
to gtr_operator;
