-- does: writes that a provider is about to be called for texts and e-mails, before it is; keeps to the budgets
-- requires: engine/jobs_table

-- p_attempts: [{job_id, claim_number, delivery_id, address_hash, country, segments, price, is_resent}], at most 1000;
-- address_hash in hex, price of one segment as it is guessed where none was ever told. p_seconds: how long the call may
-- take. p_budget: what a day may cost, p_country_budgets: {"DE": 10.0, ...}; null is no limit. Returns a verdict each:
--     send            the row is there: the provider may be called once
--     over_budget     nothing was written; over_country_budget likewise
--     settled         a report or another worker came first, or an earlier attempt is not cleared up
--     lost            the job is no longer this claim's
create or replace function gtr_jobs.begin_messages(
    p_worker_id bigint,
    p_provider text,
    p_seconds double precision,
    p_attempts jsonb,
    p_budget numeric,
    p_country_budgets jsonb
)
returns table (delivery_id uuid, verdict text, attempt_token uuid, attempted_at timestamptz)
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_today constant date := (pg_catalog.now() at time zone 'utc')::date;
    v_wanted record;
    v_sent gtr_jobs.outgoing%rowtype;
    v_job record;
    v_price numeric;
    v_country_budget numeric;
begin
    if pg_catalog.jsonb_array_length(p_attempts) > 1000 then
        raise exception 'more than 1000 messages' using errcode = 'program_limit_exceeded';
    end if;
    -- What is said here must not be forgotten by a crash of the server, whatever the role is set to.
    perform pg_catalog.set_config('synchronous_commit', 'on', true);
    if p_budget is not null or p_country_budgets is not null then
        -- Budgets are kept to by all workers together: one counts at a time.
        perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('gtr_jobs.spend', 0));
    end if;

    for v_wanted in
        select a.*
        from pg_catalog.jsonb_to_recordset(p_attempts) as a (
            job_id bigint,
            claim_number bigint,
            delivery_id uuid,
            address_hash text,
            country text,
            segments integer,
            price numeric,
            is_resent boolean
        )
        -- Whoever counts at the same time counts in the same order.
        order by a.country, a.delivery_id
    loop
        delivery_id := v_wanted.delivery_id;
        verdict := 'lost';
        attempt_token := null;
        attempted_at := null;
        select
            j.event_day,
            j.task_name,
            j.trace_id
        into v_job
        from procrastinate.procrastinate_jobs as j
        where
            j.id = v_wanted.job_id
            and j.status = 'doing'
            and j.worker_id = p_worker_id
            and j.claim_number = v_wanted.claim_number
        for share;
        if not found then
            return next;
            continue;
        end if;

        select o.* into v_sent
        from gtr_jobs.outgoing as o
        where o.delivery_id = v_wanted.delivery_id;
        v_price := v_wanted.segments * coalesce(
            (
                select sum(s.price) / nullif(sum(s.priced_segments), 0)
                from gtr_jobs.spend as s
                where
                    s.day between v_today - 7 and v_today
                    and s.channel = v_sent.channel
                    and s.country = v_wanted.country
                    and s.provider = p_provider
            ),
            v_wanted.price,
            0
        );
        if p_budget < v_price + (
            select coalesce(sum(s.price + s.expected), 0)
            from gtr_jobs.spend as s
            where s.day = v_today and s.channel = v_sent.channel
        ) then
            verdict := 'over_budget';
            return next;
            continue;
        end if;
        v_country_budget := (p_country_budgets ->> v_wanted.country)::numeric;
        if v_country_budget < v_price + (
            select coalesce(sum(s.price + s.expected), 0)
            from gtr_jobs.spend as s
            where s.day = v_today and s.channel = v_sent.channel and s.country = v_wanted.country
        ) then
            verdict := 'over_country_budget';
            return next;
            continue;
        end if;

        insert into gtr_jobs.deliveries as known (
            day, dedupe_key, kind, channel, provider, user_id, state, attempts, job_id, trace_id
        )
        values (
            v_sent.day,
            v_sent.delivery_id,
            v_sent.template,
            v_sent.channel,
            p_provider,
            v_sent.user_id,
            'sending',
            0,
            v_wanted.job_id,
            v_job.trace_id
        )
        on conflict (day, dedupe_key) do update
            set
                state = 'sending',
                outcome = null,
                code = '',
                provider = excluded.provider,
                -- An attempt whose end nobody knows was one too.
                attempts = known.attempts + (known.state = 'sending')::integer,
                resent_after_unknown = known.resent_after_unknown or v_wanted.is_resent,
                updated_at = pg_catalog.now()
            where
                known.state = 'queued'
                -- Sent again once, when it is proved that it was not taken.
                or known.state in ('sending', 'unknown') and v_wanted.is_resent and not known.resent_after_unknown;
        if not found then
            verdict := 'settled';
            return next;
            continue;
        end if;

        perform gtr_jobs.take_back_spend(v_sent.delivery_id);
        verdict := 'send';
        attempt_token := pg_catalog.gen_random_uuid();
        attempted_at := pg_catalog.clock_timestamp();
        update gtr_jobs.outgoing as o
        set
            attempt_token = begin_messages.attempt_token,
            attempted_at = begin_messages.attempted_at,
            deadline = begin_messages.attempted_at + pg_catalog.make_interval(secs => p_seconds),
            provider = p_provider,
            address_hash = pg_catalog.decode(v_wanted.address_hash, 'hex'),
            country = v_wanted.country,
            segments = v_wanted.segments,
            expected_price = v_price
        where o.delivery_id = v_sent.delivery_id;
        insert into gtr_jobs.spend as s (day, channel, provider, country, messages, segments, expected)
        values (v_today, v_sent.channel, p_provider, v_wanted.country, 1, v_wanted.segments, v_price)
        on conflict (day, channel, provider, country) do update
            set
                messages = s.messages + 1,
                segments = s.segments + excluded.segments,
                expected = s.expected + excluded.expected;
        return next;
    end loop;
end
$$;

revoke all on function gtr_jobs.begin_messages(bigint, text, double precision, jsonb, numeric, jsonb)
    from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.begin_messages(bigint, text, double precision, jsonb, numeric, jsonb) to gtr_worker;
