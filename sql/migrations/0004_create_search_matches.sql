-- does: makes the book of who was told of which listing for their saved searches
-- oldest-worker: 0.1.0
set lock_timeout = '3s';

-- Kept apart from the app's notifications, which people delete: nobody is told of a listing twice.
create table gtr_jobs.search_matches (
    listing_id uuid not null,
    user_id uuid not null,
    matched_at timestamptz not null default now(),
    primary key (listing_id, user_id)
);
comment on table gtr_jobs.search_matches is 'Who was told that a listing fits a saved search of theirs; once, whatever happens to the listing';

alter table gtr_jobs.search_matches enable row level security;

revoke all on gtr_jobs.search_matches from public, anon, authenticated, service_role;
