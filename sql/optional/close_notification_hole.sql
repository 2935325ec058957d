-- does: lets only the app's own triggers and server code write notifications; read it before you run it
-- table: public.notifications
--
-- As the app has it, anyone with the public API key can write a notification for anyone: the INSERT policy's check is
-- `true`, and create_notification() may be executed by anon. gtr_jobs pushes no such row, but they still show inside
-- the app. This file takes both ways from clients and keeps the app's triggers working: trigger functions that call
-- create_notification() become SECURITY DEFINER, because they run as the client who caused them.
-- Before: make sure that no client calls create_notification() or inserts notifications itself.
-- Run it alone: on Supabase a change of policies locks the tables of auth and storage until it commits.
set lock_timeout = '3s';

do $$
declare
    v_function regprocedure;
    v_policy name;
begin
    for v_function in
        select p.oid::regprocedure
        from pg_catalog.pg_proc as p
        where
            p.pronamespace = 'public'::regnamespace
            and p.prorettype = 'trigger'::regtype
            and not p.prosecdef
            and p.prosrc ~ '\mcreate_notification\M'
    loop
        execute format('alter function %s security definer set search_path = public, pg_temp', v_function);
    end loop;

    for v_function in
        select p.oid::regprocedure
        from pg_catalog.pg_proc as p
        where p.pronamespace = 'public'::regnamespace and p.proname = 'create_notification'
    loop
        execute format('revoke execute on function %s from public, anon, authenticated', v_function);
        execute format('grant execute on function %s to service_role', v_function);
    end loop;

    for v_policy in
        select p.policyname
        from pg_catalog.pg_policies as p
        where
            p.schemaname = 'public'
            and p.tablename = 'notifications'
            and p.cmd = 'INSERT'
            and p.with_check = 'true'
    loop
        execute format('drop policy %I on public.notifications', v_policy);
    end loop;
end
$$;
