-- Dev fixture (runs as supabase_admin; this or 061, never both): the grants that every new object in public had by itself until 2026.
-- All of every table, sequence and function goes to everybody with the project's public key: only row level security stands before it.
alter default privileges for role postgres, supabase_admin in schema public grant all on tables to postgres, anon, authenticated, service_role;
alter default privileges for role postgres, supabase_admin in schema public grant all on sequences to postgres, anon, authenticated, service_role;
alter default privileges for role postgres, supabase_admin in schema public grant all on functions to postgres, anon, authenticated, service_role;
