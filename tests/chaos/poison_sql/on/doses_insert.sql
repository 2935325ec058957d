-- does: queues what a dose says
-- table: poison.doses
-- enqueues: segfault
-- enqueues: exit
-- enqueues: endless
-- enqueues: recursion
-- enqueues: eat_memory
-- enqueues: shout

create or replace function poison.on_doses_insert()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    perform gtr_jobs.enqueue(array(
        select gtr_jobs.job(d.kind, pg_catalog.jsonb_build_object('id', d.id), d.kind || ':' || d.id)
        from new_rows as d
    ));
    return null;
end
$$;

revoke all on function poison.on_doses_insert() from public, anon, authenticated, service_role;

create or replace trigger poison_doses_insert
    after insert on poison.doses
    referencing new table as new_rows
    for each statement
    execute function poison.on_doses_insert();
