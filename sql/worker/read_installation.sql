-- does: tells a worker what is installed here, so that it can refuse a database that is not its own

create or replace function gtr_jobs.read_installation()
returns table (project text, environment text)
language sql
stable
security definer
set search_path = ''
as $$
    select
        i.project,
        i.environment
    from gtr_jobs.installation as i
$$;

create or replace function gtr_jobs.read_schema_migrations()
returns table (component text, version text, name text, sha256 text, oldest_worker text)
language sql
stable
security definer
set search_path = ''
as $$
    select
        m.component,
        m.version,
        m.name,
        m.sha256,
        m.oldest_worker
    from gtr_jobs.schema_migrations as m
$$;

create or replace function gtr_jobs.read_installed_files()
returns table (path text, sha256 text, installed_by text)
language sql
stable
security definer
set search_path = ''
as $$
    select
        f.path,
        f.sha256,
        f.installed_by
    from gtr_jobs.installed_files as f
$$;

revoke all on function gtr_jobs.read_installation() from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.read_schema_migrations() from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.read_installed_files() from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.read_installation() to gtr_worker;
grant execute on function gtr_jobs.read_schema_migrations() to gtr_worker;
grant execute on function gtr_jobs.read_installed_files() to gtr_worker;
