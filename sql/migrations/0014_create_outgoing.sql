-- does: makes what SMS and e-mail need: texts that wait, who is not to be reached, reports of providers, and spend
-- oldest-worker: 0.1.0
set lock_timeout = '3s';

-- What can be sent, by what. keys: {"listing_url": {"type": "string", "required": true}, ...}, types as JSON has them.
-- consent: a function of a person's id that says whether
-- they want it; null where it is sent to whoever can be reached.
create table gtr_jobs.message_templates (
    template text not null check (template ~ '^[a-z][a-z0-9_]{0,39}$'),
    channel text not null check (channel in ('sms', 'email')),
    keys jsonb not null check (jsonb_typeof(keys) = 'object'),
    consent text check (consent ~ '^[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*$'),
    time_to_live interval not null check (time_to_live between interval '10 seconds' and interval '28 days'),
    primary key (template, channel)
);
comment on table gtr_jobs.message_templates is 'What server code may send as a text or an e-mail, and to whom';

-- One text or e-mail that somebody asked for; its id is the delivery's. Jobs name it and carry nothing of it. Neither
-- number nor address stands here: they are read when it is sent.
create table gtr_jobs.outgoing (
    delivery_id uuid primary key default gen_random_uuid(),
    -- The ledger's partition.
    day date not null default ((now() at time zone 'utc')::date),
    channel text not null check (channel in ('sms', 'email')),
    template text not null,
    user_id uuid not null,
    -- What the template is filled with: gone as soon as the delivery is settled or too old.
    data jsonb,
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),
    -- The last attempt, written before the provider is called; after its deadline nobody is at it any more.
    attempt_token uuid,
    attempted_at timestamptz,
    deadline timestamptz,
    provider text,
    -- Whom it went to: whoever has another number by now cannot be asked for under it.
    address_hash bytea,
    country text,
    segments integer,
    -- Of the day's budget, until the price is known.
    expected_price numeric(12, 5),
    price numeric(12, 5),
    currency text,
    provider_id text,
    settled_at timestamptz,
    -- When the provider is asked what it cost and what became of it, and how often it was.
    ask_at timestamptz,
    asked integer not null default 0
);
comment on table gtr_jobs.outgoing is 'Texts and e-mails: what they are filled with until they are settled, and their attempts';
-- A report names what the provider calls it.
create index outgoing_provider_id on gtr_jobs.outgoing (provider, provider_id) where provider_id is not null;
-- Whoever looks for a message among a provider's leaves out those that are known.
create index outgoing_address on gtr_jobs.outgoing (address_hash, attempted_at) where provider_id is not null;
-- What is too old is emptied; what was attempted and is not settled is counted; what is old is forgotten.
create index outgoing_filled on gtr_jobs.outgoing (expires_at) where data is not null;
create index outgoing_unsettled on gtr_jobs.outgoing (deadline) where deadline is not null and settled_at is null;
create index outgoing_ask_at on gtr_jobs.outgoing (ask_at) where ask_at is not null;
create index outgoing_created_at on gtr_jobs.outgoing (created_at);

-- What a provider said of a delivery later: each status once for each of its messages, whatever it is called.
create table gtr_jobs.delivery_reports (
    delivery_id uuid not null,
    provider_id text not null check (octet_length(provider_id) between 1 and 200),
    status text not null check (octet_length(status) between 1 and 40),
    error_code text not null default '' check (octet_length(error_code) <= 40),
    reported_at timestamptz not null,
    received_at timestamptz not null default now(),
    primary key (delivery_id, provider_id, status)
);
create index delivery_reports_received_at on gtr_jobs.delivery_reports (received_at);

-- Names an address without telling it: who reads the tables cannot tell one from a list of all numbers there are.
create table gtr_jobs.address_key (
    only_row boolean primary key default true check (only_row),
    key bytea not null check (octet_length(key) = 32)
);
insert into gtr_jobs.address_key (key)
values (sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')));

-- Whom nothing is sent to, and why; several reasons can hold at once, and each ends by itself.
create table gtr_jobs.suppressions (
    channel text not null check (channel in ('sms', 'email')),
    address_hash bytea not null check (octet_length(address_hash) = 32),
    reason text not null
    check (reason in ('unsubscribed', 'landline', 'no_sms', 'invalid', 'bounced', 'complained', 'operator')),
    -- Who said so: a provider's name, or operator.
    source text not null check (octet_length(source) between 1 and 40),
    since timestamptz not null default now(),
    primary key (channel, address_hash, reason)
);
comment on table gtr_jobs.suppressions is 'Addresses, by their keyed hash, that nothing is sent to';
create index suppressions_since on gtr_jobs.suppressions (since);

-- A row a day, channel, provider and country; a provider bills in one currency. expected: of messages whose price is
-- not known yet.
create table gtr_jobs.spend (
    day date not null,
    channel text not null,
    provider text not null,
    country text not null,
    currency text not null default '',
    messages integer not null default 0,
    segments integer not null default 0,
    priced_segments integer not null default 0,
    price numeric(14, 5) not null default 0,
    expected numeric(14, 5) not null default 0,
    primary key (day, channel, provider, country)
);
comment on table gtr_jobs.spend is 'What was sent a day and country, and what it cost';

-- A delivery that is being sent has no outcome yet.
alter table gtr_jobs.deliveries alter column outcome drop not null;

alter table gtr_jobs.message_templates enable row level security;
alter table gtr_jobs.outgoing enable row level security;
alter table gtr_jobs.delivery_reports enable row level security;
alter table gtr_jobs.address_key enable row level security;
alter table gtr_jobs.suppressions enable row level security;
alter table gtr_jobs.spend enable row level security;
revoke all on
    gtr_jobs.message_templates,
    gtr_jobs.outgoing,
    gtr_jobs.delivery_reports,
    gtr_jobs.address_key,
    gtr_jobs.suppressions,
    gtr_jobs.spend
from public, anon, authenticated, service_role;
