-- does: finds where a person is reached by text and e-mail, and whether they want it
-- requires: rules/suppressions

-- Where gtr_jobs.message_templates.consent names a function, it is asked with a person's id, when a message is asked
-- for and again when it is sent. The app's table has news off and updates on for whoever has no row.
create or replace function gtr_jobs.wants_email_updates(p_user_id uuid)
returns boolean
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    if pg_catalog.to_regclass('public.notification_preferences') is null then
        return true;
    end if;
    return coalesce((
        select p.email_updates from public.notification_preferences as p where p.user_id = p_user_id
    ), true);
end
$$;

create or replace function gtr_jobs.wants_email_news(p_user_id uuid)
returns boolean
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    if pg_catalog.to_regclass('public.notification_preferences') is null then
        return false;
    end if;
    return coalesce((
        select p.email_news from public.notification_preferences as p where p.user_id = p_user_id
    ), false);
end
$$;

-- A person's number or address, if they proved that it is theirs, and their language: no row for who is not there.
-- Supabase Auth's own number goes before the profile's; it has no plus sign.
create or replace function gtr_jobs.read_recipient(p_channel text, p_user_id uuid)
returns table (address text, locale text)
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    select
        case
            when p_channel = 'email' then (select u.email where u.email_confirmed_at is not null)
            else '+' || nullif(pg_catalog.ltrim((select u.phone where u.phone_confirmed_at is not null), '+'), '')
        end,
        -- As its owner set it: the template's loader knows what it has.
        pg_catalog.left(coalesce(u.raw_user_meta_data ->> 'locale', ''), 35)
    into address, locale
    from auth.users as u
    where u.id = p_user_id and u.deleted_at is null;
    if not found then
        return;
    end if;
    if address is null and p_channel = 'sms' and pg_catalog.to_regclass('public.profiles') is not null then
        address := (
            select nullif(pg_catalog.btrim(p.phone_number), '')
            from public.profiles as p
            where p.id = p_user_id and p.phone_verified
        );
    end if;
    return next;
end
$$;

-- Why a person gets none of a template now, in one word; null where they get it.
create or replace function gtr_jobs.reason_not_to_reach(
    p_channel text,
    p_template text,
    p_user_id uuid,
    p_address text
)
returns text
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    v_known gtr_jobs.message_templates%rowtype;
    v_wants boolean;
    v_reason text;
begin
    select t.* into v_known
    from gtr_jobs.message_templates as t
    where t.template = p_template and t.channel = p_channel;
    if not found then
        return 'unknown_template';
    end if;
    if p_address is null then
        return case p_channel when 'sms' then 'no_phone' else 'no_email' end;
    end if;
    if v_known.consent is not null then
        execute pg_catalog.format(
            'select %I.%I($1)',
            pg_catalog.split_part(v_known.consent, '.', 1),
            pg_catalog.split_part(v_known.consent, '.', 2)
        )
        into v_wants
        using p_user_id;
        if v_wants is not true then
            return 'no_consent';
        end if;
    end if;
    select s.reason into v_reason
    from gtr_jobs.suppressions as s
    where s.channel = p_channel and s.address_hash = gtr_jobs.hash_address(p_channel, p_address)
    order by s.since
    limit 1;
    return v_reason;
end
$$;

-- The same, where one function that fails must not keep other messages from being sent: it says consent_unknown.
create or replace function gtr_jobs.try_reason_not_to_reach(
    p_channel text,
    p_template text,
    p_user_id uuid,
    p_address text
)
returns text
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    return gtr_jobs.reason_not_to_reach(p_channel, p_template, p_user_id, p_address);
exception
    -- Its own mistakes. What passes by itself, as a lock that is not to be had, is the statement's.
    when syntax_error_or_access_rule_violation or data_exception or plpgsql_error or cardinality_violation then
        return 'consent_unknown';
end
$$;

revoke all on function gtr_jobs.try_reason_not_to_reach(text, text, uuid, text)
    from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.wants_email_updates(uuid) from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.wants_email_news(uuid) from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.read_recipient(text, uuid) from public, anon, authenticated, service_role;
revoke all on function gtr_jobs.reason_not_to_reach(text, text, uuid, text)
    from public, anon, authenticated, service_role;
