-- does: answers a request of server code once a key: the same key and body give the same answer
-- requires: rules/refuse

-- Takes a key for a request. Returns what was answered under it before; null where this is the first time.
create or replace function gtr_jobs.take_key(p_rpc text, p_key text, p_request jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_hash constant bytea := pg_catalog.sha256(pg_catalog.convert_to(p_request::text, 'UTF8'));
    v_known gtr_jobs.idempotency_keys;
begin
    if pg_catalog.char_length(p_key) not between 1 and 255 then
        perform gtr_jobs.refuse(
            422, 'idempotency_key', 'the idempotency key is empty or too long', 'Give 1 to 255 signs.'
        );
    end if;
    delete from gtr_jobs.idempotency_keys as k
    where k.ctid = any(array(
        select old.ctid
        from gtr_jobs.idempotency_keys as old
        where old.created_at < pg_catalog.now() - interval '48 hours'
        order by old.created_at
        limit 100
        for update skip locked
    ));
    -- Waits for a request under the same key that is under way.
    insert into gtr_jobs.idempotency_keys (rpc, key, request_hash)
    values (p_rpc, p_key, v_hash)
    on conflict (rpc, key) do nothing;
    if found then
        return null;
    end if;
    select k.* into v_known
    from gtr_jobs.idempotency_keys as k
    where k.rpc = p_rpc and k.key = p_key;
    if v_known.request_hash is distinct from v_hash then
        perform gtr_jobs.refuse(
            409, 'idempotency_mismatch', 'the idempotency key was used with another request',
            'Take a new key for a new request.'
        );
    end if;
    return v_known.answer;
end
$$;

revoke all on function gtr_jobs.take_key(text, text, jsonb) from public, anon, authenticated, service_role;
