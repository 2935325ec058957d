-- Dev fixture (runs as supabase_admin): the roles that every Supabase project has, with their attributes, settings and memberships.
-- Roles belong to the whole server, and this runs for every new database: a role that is there stays as it is. Python gives the
-- passwords. Supabase's API sessions also load pg-safeupdate (an update or delete without a where fails), which cannot be had here.
do $$
declare
    v_is_16 constant boolean := pg_catalog.current_setting('server_version_num')::integer >= 160000;
    v_group text;
begin
    if not exists (select from pg_catalog.pg_roles where rolname = 'supabase_admin') then
        create role supabase_admin login superuser createdb createrole replication bypassrls;
    end if;

    if not exists (select from pg_catalog.pg_roles where rolname = 'anon') then
        create role anon nologin;
        alter role anon set statement_timeout = '3s';
    end if;

    if not exists (select from pg_catalog.pg_roles where rolname = 'authenticated') then
        create role authenticated nologin;
        alter role authenticated set statement_timeout = '8s';
    end if;

    if not exists (select from pg_catalog.pg_roles where rolname = 'service_role') then
        create role service_role nologin bypassrls;
    end if;

    -- What PostgREST logs in as. NOINHERIT: until it sets a role it may do nothing.
    if not exists (select from pg_catalog.pg_roles where rolname = 'authenticator') then
        create role authenticator login noinherit;
        grant anon, authenticated, service_role to authenticator;
        alter role authenticator set statement_timeout = '8s';
        alter role authenticator set lock_timeout = '8s';
        alter role authenticator set pgrst.db_schemas = 'public, graphql_public';
    end if;

    if not exists (select from pg_catalog.pg_roles where rolname = 'supabase_auth_admin') then
        create role supabase_auth_admin login noinherit createrole;
        alter role supabase_auth_admin set search_path = auth;
        alter role supabase_auth_admin set idle_in_transaction_session_timeout = '60s';
    end if;

    if not exists (select from pg_catalog.pg_roles where rolname = 'supabase_storage_admin') then
        create role supabase_storage_admin login noinherit createrole;
        grant authenticator to supabase_storage_admin;
        alter role supabase_storage_admin set search_path = storage;
    end if;

    if not exists (select from pg_catalog.pg_roles where rolname = 'supabase_functions_admin') then
        create role supabase_functions_admin login noinherit createrole;
    end if;

    if not exists (select from pg_catalog.pg_roles where rolname = 'supabase_replication_admin') then
        create role supabase_replication_admin login replication;
    end if;

    if not exists (select from pg_catalog.pg_roles where rolname = 'supabase_read_only_user') then
        create role supabase_read_only_user login bypassrls;
        grant pg_read_all_data to supabase_read_only_user;
    end if;

    if not exists (select from pg_catalog.pg_roles where rolname = 'dashboard_user') then
        create role dashboard_user nologin createrole createdb replication;
    end if;

    if not exists (select from pg_catalog.pg_roles where rolname = 'pgbouncer') then
        create role pgbouncer login;
    end if;

    -- What migrations run as: much may it do, but it is no superuser.
    if not exists (select from pg_catalog.pg_roles where rolname = 'postgres') then
        create role postgres login createrole createdb replication bypassrls;
        alter role postgres set search_path = "$user", public, extensions;
        foreach v_group in array array['pg_monitor', 'pg_read_all_data', 'pg_signal_backend', 'anon', 'authenticated', 'service_role']
        loop
            -- From 16 on CREATEROLE alone no longer lets a role hand on another's membership: Supabase gives the right expressly.
            execute pg_catalog.format('grant %I to postgres', v_group)
                || case when v_is_16 then ' with admin option' else '' end;
        end loop;
        if v_is_16 then
            grant authenticator to postgres with admin option;
        end if;
    end if;
end
$$;
