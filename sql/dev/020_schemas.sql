-- Dev fixture (runs as supabase_admin): a Supabase project's schemas, who may use them, and the settings of the database itself.
-- The database belongs to postgres, and so, through pg_database_owner, does the schema public.
do $$
begin
    execute pg_catalog.format('alter database %I set statement_timeout = %L', pg_catalog.current_database(), '2min');
    -- Supabase's lints look at the exposed schemas only, and learn which those are from this setting of their own session.
    execute pg_catalog.format('alter database %I set pgrst.db_schemas = %L', pg_catalog.current_database(), 'public,graphql_public');
end
$$;

grant usage on schema public to postgres, anon, authenticated, service_role;

create schema extensions authorization postgres;
grant usage on schema extensions to anon, authenticated, service_role;
grant all on schema extensions to dashboard_user;

create schema auth;
grant all on schema auth to supabase_auth_admin, dashboard_user;
grant usage on schema auth to postgres, anon, authenticated, service_role;

create schema storage;
grant all on schema storage to supabase_storage_admin, dashboard_user;
grant usage on schema storage to postgres, anon, authenticated, service_role;

create schema realtime;
grant usage on schema realtime to postgres, anon, authenticated, service_role;

create schema graphql_public;
grant usage on schema graphql_public to postgres, anon, authenticated, service_role;

-- Small builds of Postgres ship no extension, and nothing of the project's own needs one.
do $$
declare
    v_extension text;
begin
    for v_extension in
        select extensions.name
        from pg_catalog.pg_available_extensions as extensions
        where extensions.name in ('pgcrypto', 'uuid-ossp')
        order by extensions.name
    loop
        execute pg_catalog.format('create extension %I with schema extensions', v_extension);
    end loop;
end
$$;
