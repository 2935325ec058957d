-- does: makes the private schema, the worker's role and the books of what is installed
-- oldest-worker: 0.1.0
set lock_timeout = '3s';

create schema if not exists gtr_jobs;
comment on schema gtr_jobs is 'gtr_jobs: the job worker''s own tables and functions; not for the API';

-- No attribute is named that only a superuser may name; a command gives the role its password.
do $$
begin
    if not exists (select from pg_catalog.pg_roles where rolname = 'gtr_worker') then
        create role gtr_worker nologin;
    end if;
end
$$;

alter role gtr_worker set search_path = '';
alter role gtr_worker set statement_timeout = '30s';
alter role gtr_worker set idle_in_transaction_session_timeout = '60s';
alter role gtr_worker set lock_timeout = '5s';

create table if not exists gtr_jobs.schema_migrations (
    component text not null,
    version text not null,
    name text not null,
    sha256 text not null,
    oldest_worker text not null,
    applied_at timestamptz not null default now(),
    primary key (component, version)
);
comment on table gtr_jobs.schema_migrations is 'Durable state: what was applied, and the oldest worker that can live with it';

create table if not exists gtr_jobs.installed_files (
    path text primary key,
    sha256 text not null,
    undo text[] not null,
    installed_by text not null,
    installed_at timestamptz not null default now()
);
comment on table gtr_jobs.installed_files is 'Re-runnable files: which content is installed, and how it is taken away again';

-- Which project and environment this database is: a copy restored elsewhere must not text real people.
create table if not exists gtr_jobs.installation (
    only_row boolean primary key default true check (only_row),
    project text,
    environment text,
    strict_enqueue boolean not null default false,
    installed_at timestamptz not null default now()
);
insert into gtr_jobs.installation (only_row) values (true) on conflict do nothing;

alter table gtr_jobs.schema_migrations enable row level security;
alter table gtr_jobs.installed_files enable row level security;
alter table gtr_jobs.installation enable row level security;

revoke all on schema gtr_jobs from public, anon, authenticated, service_role;
revoke all on all tables in schema gtr_jobs from public, anon, authenticated, service_role;
alter default privileges in schema gtr_jobs revoke all on tables from public, anon, authenticated, service_role;
alter default privileges in schema gtr_jobs revoke all on sequences from public, anon, authenticated, service_role;
alter default privileges in schema gtr_jobs revoke all on functions from public, anon, authenticated, service_role;
grant usage on schema gtr_jobs to gtr_worker;
