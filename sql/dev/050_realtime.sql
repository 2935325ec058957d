-- Dev fixture (runs as supabase_admin): the publication that Supabase Realtime follows. It starts empty; the project adds its tables.
create publication supabase_realtime;
alter publication supabase_realtime owner to postgres;
