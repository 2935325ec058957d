-- Dev fixture (runs as supabase_admin; this or 060, never both): the grants that new objects in public have by themselves since 2026.
-- The API's roles, service_role too, neither read, write nor call what they were not granted. The platform takes away those rights
-- one by one, so what they never used stays as it was: truncate, references and trigger on tables, update on sequences, and
-- what Postgres itself gives to everybody, which is to execute a function.
alter default privileges for role postgres, supabase_admin in schema public grant all on tables to postgres, anon, authenticated, service_role;
alter default privileges for role postgres, supabase_admin in schema public grant all on sequences to postgres, anon, authenticated, service_role;
alter default privileges for role postgres, supabase_admin in schema public grant all on functions to postgres, anon, authenticated, service_role;

alter default privileges for role postgres in schema public revoke select, insert, update, delete on tables from anon, authenticated, service_role;
alter default privileges for role postgres in schema public revoke usage, select on sequences from anon, authenticated, service_role;
alter default privileges for role postgres in schema public revoke execute on functions from anon, authenticated, service_role;
