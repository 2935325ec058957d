-- does: reads the chat messages that pushes are about, with the sender's name

-- Content is cut: a push shows a line of it.
create or replace function gtr_jobs.read_messages(p_message_ids uuid[])
returns table (
    message_id uuid,
    conversation_id uuid,
    sender_id uuid,
    sender_name text,
    recipient_id uuid,
    content text,
    has_image boolean
)
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    return query
    select
        m.id,
        m.conversation_id,
        m.sender_id,
        coalesce(nullif(pg_catalog.btrim(p.full_name), ''), p.username, ''),
        m.recipient_id,
        pg_catalog.left(coalesce(m.content, ''), 4000),
        m.image_url is not null
    from public.messages as m
    left join public.profiles as p on p.id = m.sender_id
    where m.id = any(p_message_ids);
end
$$;

revoke all on function gtr_jobs.read_messages(uuid[]) from public, anon, authenticated, service_role;
grant execute on function gtr_jobs.read_messages(uuid[]) to gtr_worker;
