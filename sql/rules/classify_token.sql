-- does: tells which provider's address a device token is, by its shape

-- The same rules as in gtr_jobs/domain/tokens.py; a test holds the two together. Null for a shape that is none.
create or replace function gtr_jobs.classify_token(p_token text)
returns text
language sql
immutable
set search_path = ''
as $$
    select case
        when p_token is null or pg_catalog.char_length(p_token) > 4096 then null
        when t ~ '^Expo(?:nent)?PushToken\[[!-Z\\^-~]+\]$' then 'expo'
        when t ~ '^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' then 'expo'
        when t ~ '^(?:[0-9a-fA-F]{2}){32,100}$' then 'apns'
        when t ~ '^[A-Za-z0-9_-]{22}$' then 'fcm_fid'
        -- Nothing but hexadecimal digits is an APNs token of a wrong length.
        when t ~ '^[0-9a-fA-F]+$' then null
        when t ~ '^(?:[A-Za-z0-9_-]{6,}:[A-Za-z0-9_-]{20,}|[A-Za-z0-9_:-]{100,})$' then 'fcm_token'
    end
    -- Letters are letters here, not what a language sorts between them.
    from (select p_token collate "C" as t) as token
$$;

revoke all on function gtr_jobs.classify_token(text) from public, anon, authenticated, service_role;
