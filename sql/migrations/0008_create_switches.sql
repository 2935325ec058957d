-- does: makes the table of operators' switches, the buckets of shared rates, and the list of jobs that are set aside
-- oldest-worker: 0.1.0
set lock_timeout = '3s';

-- What operators switched. One that has expired counts for nothing. A limit is for a queue (key_argument is empty) or for
-- each value of one of its jobs' arguments; a rate is in tokens a second; a ramp in per cent.
create table gtr_jobs.switches (
    lever text not null check (lever in ('pause', 'limit', 'rate', 'ramp', 'test_user')),
    scope text not null check (scope in ('queue', 'kind', 'provider', 'channel', 'feature', 'user')),
    name text not null check (octet_length(name) between 1 and 100),
    key_argument text not null default '' check (octet_length(key_argument) <= 100),
    amount numeric,
    reason text not null check (char_length(reason) between 1 and 500),
    set_by text not null check (char_length(set_by) between 1 and 200),
    set_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz,
    primary key (lever, scope, name, key_argument),
    check (key_argument = '' or lever = 'limit'),
    check (
        case lever
            when 'pause' then scope in ('queue', 'kind', 'provider', 'channel') and amount is null
            when 'limit' then scope = 'queue' and amount between 1 and 100000 and amount = trunc(amount)
            when 'rate' then scope in ('queue', 'provider', 'channel') and amount > 0 and amount <= 100000
            when 'ramp' then scope in ('kind', 'feature') and amount between 0 and 100 and amount = round(amount, 2)
            when 'test_user' then scope = 'user' and amount is null
        end is true
    )
);
comment on table gtr_jobs.switches is 'What operators paused, limited or ramped; every worker obeys within a second';

-- When the next token of a shared rate is to be had. Unlogged: after a crash every bucket begins anew.
create unlogged table gtr_jobs.rate_buckets (
    scope text not null,
    name text not null,
    next_token_at timestamptz not null,
    primary key (scope, name)
);

-- Jobs that wait for the end of a pause, and when they would be due without it (null: at once). A claim since then makes
-- the note worthless: claim_number tells.
create table gtr_jobs.held_jobs (
    scope text not null,
    name text not null,
    job_id bigint not null,
    claim_number bigint not null,
    scheduled_at timestamptz,
    held_at timestamptz not null default clock_timestamp(),
    primary key (scope, name, job_id)
);

alter table gtr_jobs.switches enable row level security;
alter table gtr_jobs.rate_buckets enable row level security;
alter table gtr_jobs.held_jobs enable row level security;

revoke all on gtr_jobs.switches from public, anon, authenticated, service_role;
revoke all on gtr_jobs.rate_buckets from public, anon, authenticated, service_role;
revoke all on gtr_jobs.held_jobs from public, anon, authenticated, service_role;
