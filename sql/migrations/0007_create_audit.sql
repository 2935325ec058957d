-- does: keeps what operators did to jobs, and what a dead job needs to live again
-- oldest-worker: 0.1.0
set lock_timeout = '3s';

-- One row for each statement of an operator's command that changed something; run_id holds the rows of a command
-- together. Ids and counts, never content.
create table gtr_jobs.audit (
    id bigint generated always as identity primary key,
    run_id uuid not null,
    acted_at timestamptz not null default clock_timestamp(),
    -- Who says that they act: the user of the operating system. Nobody can check it; the role below, Postgres did.
    actor text not null check (char_length(actor) between 1 and 200),
    database_role text not null,
    action text not null check (char_length(action) between 1 and 40),
    reason text not null check (char_length(reason) between 1 and 500),
    wanted jsonb not null,
    detail jsonb not null,
    job_count integer not null,
    job_ids bigint[] not null
);
comment on table gtr_jobs.audit is 'Append-only: what operators did to jobs, who, when, why, and to which';
create index audit_acted_at on gtr_jobs.audit (acted_at, id);
create index audit_job_ids on gtr_jobs.audit using gin (job_ids) with (fastupdate = off);

-- Grants cannot keep the owner out, and operators often are the owner.
create function gtr_jobs.refuse_audit_change()
returns trigger
language plpgsql
set search_path = ''
set lock_timeout = '200ms'
as $$
begin
    raise exception 'gtr_jobs.audit is append-only: no % here', pg_catalog.lower(tg_op)
        using errcode = 'insufficient_privilege';
end
$$;
create trigger audit_is_append_only
    before update or delete or truncate on gtr_jobs.audit
    for each statement
    execute function gtr_jobs.refuse_audit_change();

-- A job that lives again goes on where its claims ended: an old claim's ack stays refused, and what an earlier claim
-- may have sent stays known. Where nobody says how many claims there were: more than any job has.
alter table gtr_jobs.dead_jobs
    add column claim_number bigint not null default 1000,
    add column lost_claims integer not null default 0;
update gtr_jobs.dead_jobs set lost_claims = 3 where code = 'quarantined';

-- The list of the dead is read newest first, of all kinds or of one.
create index dead_jobs_died_at on gtr_jobs.dead_jobs (died_at, job_id);
create index dead_jobs_kind on gtr_jobs.dead_jobs (kind, died_at, job_id);
-- A job's deliveries, by the job: shown to operators, and opened again when it is requeued.
create index deliveries_job on gtr_jobs.deliveries (job_id);

-- Operators end jobs too.
alter type gtr_jobs.job_end add value if not exists 'cancelled';

alter table gtr_jobs.audit enable row level security;
revoke all on gtr_jobs.audit from public, anon, authenticated, service_role;
revoke all on sequence gtr_jobs.audit_id_seq from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.refuse_audit_change() from public, anon, authenticated, service_role;
