-- does: remembers which accounts of providers are not asked for now, and since when a shared rate grows
-- oldest-worker: 0.1.0
set lock_timeout = '3s';

-- One row an account and reason: nothing piles up here. Logged: after a crash too nobody is asked too soon.
create table gtr_jobs.provider_pauses (
    account text not null check (octet_length(account) between 1 and 100),
    reason text not null check (reason in ('throttled', 'failing', 'misconfigured')),
    paused_until timestamptz not null,
    -- When the next worker may try whether the account is well again; a throttled one is not tried.
    probe_at timestamptz,
    primary key (account, reason)
);
comment on table gtr_jobs.provider_pauses is 'Accounts of providers that no worker asks until then';

-- A rate that begins low after an idle time: since when it has been growing.
alter table gtr_jobs.rate_buckets add column grows_since timestamptz;

alter table gtr_jobs.provider_pauses enable row level security;
revoke all on gtr_jobs.provider_pauses from public, anon, authenticated, service_role;
