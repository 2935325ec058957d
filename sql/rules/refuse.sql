-- does: raises an error that the API answers with an HTTP status, a code, a sentence and what to do about it

-- PostgREST answers SQLSTATE PT422 as 422: {"code": "PT422", "message": sentence, "details": code, "hint": what to do}.
create or replace function gtr_jobs.refuse(p_status integer, p_code text, p_message text, p_hint text)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
    raise exception using errcode = 'PT' || p_status, message = p_message, detail = p_code, hint = p_hint;
end
$$;

revoke all on function gtr_jobs.refuse(integer, text, text, text) from public, anon, authenticated, service_role;
