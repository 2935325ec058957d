-- does: writes what came of claimed jobs that send texts and e-mails: as ack_jobs does, and what their store keeps
-- requires: engine/ack

-- p_deliveries: as for ack_jobs, and of each also attempt_token (of the attempt that it ends; null where none was
-- begun), is_attempt (false where it only says what became of an earlier one), mark (why the number or address is not
-- to be reached again), price and currency. One transaction: the outcome, the job's end, what a message is filled with,
-- the marks and the money.
create or replace function gtr_jobs.ack_messages(p_worker_id bigint, p_ends jsonb, p_deliveries jsonb)
returns setof bigint
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_held constant bigint[] := array(select a.id from gtr_jobs.ack_jobs(p_worker_id, p_ends, p_deliveries) as a (id));
    v_told record;
begin
    for v_told in
        select d.*
        from pg_catalog.jsonb_to_recordset(p_deliveries) as d (
            job_id bigint,
            dedupe_key uuid,
            provider text,
            state gtr_jobs.delivery_state,
            outcome gtr_jobs.outcome,
            provider_id text,
            attempt_token uuid,
            is_attempt boolean,
            mark text,
            price numeric,
            currency text
        )
        where d.job_id = any(v_held)
        order by d.dedupe_key
    loop
        update gtr_jobs.outgoing as o
        set
            data = case when v_told.state in ('queued', 'sending', 'unknown') then o.data end,
            settled_at = case
                when v_told.state in ('queued', 'sending', 'unknown') then o.settled_at
                else coalesce(o.settled_at, pg_catalog.now())
            end,
            -- The call is over; and what was certainly not taken has nothing to be cleared up.
            deadline = case
                when v_told.state = 'queued' then null
                when v_told.attempt_token is null then o.deadline
                else least(o.deadline, pg_catalog.now())
            end,
            provider_id = coalesce(o.provider_id, v_told.provider_id),
            -- A provider knows a price some minutes later.
            ask_at = case
                when v_told.outcome = 'accepted' and o.channel = 'sms' and o.price is null
                    then pg_catalog.now() + interval '10 minutes'
                else o.ask_at
            end
        where
            o.delivery_id = v_told.dedupe_key
            and (v_told.attempt_token is null or o.attempt_token = v_told.attempt_token);
        if not v_told.is_attempt then
            update gtr_jobs.deliveries as d
            set attempts = d.attempts - 1
            from gtr_jobs.outgoing as o
            where
                o.delivery_id = v_told.dedupe_key
                and d.day = o.day
                and d.dedupe_key = o.delivery_id
                and d.attempts > 1;
        end if;
        if v_told.mark is not null then
            perform gtr_jobs.suppress_hash(o.channel, o.address_hash, v_told.mark, v_told.provider)
            from gtr_jobs.outgoing as o
            where o.delivery_id = v_told.dedupe_key and o.address_hash is not null;
        end if;
        if v_told.outcome in ('accepted', 'ambiguous') then
            perform gtr_jobs.note_price(v_told.dedupe_key, v_told.price, v_told.currency);
        else
            perform gtr_jobs.take_back_spend(v_told.dedupe_key);
        end if;
    end loop;
    return query select unnest(v_held);
end
$$;

revoke all on function gtr_jobs.ack_messages(bigint, jsonb, jsonb) from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.ack_messages(bigint, jsonb, jsonb) to gtr_worker;
