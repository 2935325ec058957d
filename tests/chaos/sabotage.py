"""Breaks a build on purpose: what the checker finds on it must be found for that reason.

Functions of the database get a wrapper under their own name; the shipped one still does the work beneath.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from chaos.scene import Scene

Sabotage = Literal[
    "fence off", "rescue off", "acks dropped", "jobs forgotten", "resent unreported", "not enqueued"
]

_ACK = "ack_jobs(bigint, jsonb, jsonb)"
_RESCUE = "rescue_jobs(interval, integer)"

_ACK_WRAPPER = """
    create function gtr_jobs.ack_jobs(p_worker_id bigint, p_ends jsonb, p_deliveries jsonb)
    returns setof bigint
    language plpgsql
    security definer
    as $$
    declare
        v_end jsonb;
        v_job record;
    begin
        {body}
    end
    $$;
    grant execute on function gtr_jobs.ack_jobs(bigint, jsonb, jsonb) to gtr_worker;
"""

# Whoever brings an ack is taken for the one who holds the claim.
_UNFENCED = """
    for v_end in select * from jsonb_array_elements(p_ends) loop
        select j.worker_id, j.claim_number into v_job
        from procrastinate.procrastinate_jobs as j where j.id = (v_end ->> 'job_id')::bigint;
        return query select gtr_jobs.shipped_ack_jobs(
            v_job.worker_id,
            jsonb_build_array(v_end || jsonb_build_object('claim_number', v_job.claim_number)),
            (select coalesce(jsonb_agg(d), '[]') from jsonb_array_elements(p_deliveries) as d
                where d ->> 'job_id' = v_end ->> 'job_id')
        );
    end loop;
"""
_DROPPED = "return query select (e ->> 'job_id')::bigint from jsonb_array_elements(p_ends) as e;"
_FORGOTTEN = """
    delete from procrastinate.procrastinate_jobs as j
    where j.id in (select (e ->> 'job_id')::bigint from jsonb_array_elements(p_ends) as e);
    return query select (e ->> 'job_id')::bigint from jsonb_array_elements(p_ends) as e;
"""
_UNREPORTED = """
    return query select gtr_jobs.shipped_ack_jobs(p_worker_id, p_ends, (
        select coalesce(jsonb_agg(d || '{"resent": false}'), '[]')
        from jsonb_array_elements(p_deliveries) as d
    ));
"""

_STATEMENTS: Mapping[Sabotage, tuple[str, str]] = {
    "fence off": (_ACK, _ACK_WRAPPER.format(body=_UNFENCED)),
    "acks dropped": (_ACK, _ACK_WRAPPER.format(body=_DROPPED)),
    "jobs forgotten": (_ACK, _ACK_WRAPPER.format(body=_FORGOTTEN)),
    "resent unreported": (_ACK, _ACK_WRAPPER.replace("{body}", _UNREPORTED)),
    "rescue off": (
        _RESCUE,
        """
        create function gtr_jobs.rescue_jobs(p_silence interval, p_limit integer)
        returns table (job_id bigint, runs_again boolean)
        language sql as $$ select null::bigint, null::boolean where false $$;
        grant execute on function gtr_jobs.rescue_jobs(interval, integer) to gtr_worker;
        """,
    ),
    "not enqueued": (
        "on_messages_insert()",
        """
        create function gtr_jobs.on_messages_insert() returns trigger
        language plpgsql as $$ begin return null; end $$;
        drop trigger gtr_jobs_messages_insert on public.messages;
        create trigger gtr_jobs_messages_insert after insert on public.messages
            for each statement execute function gtr_jobs.on_messages_insert();
        """,
    ),
}


async def break_build(scene: Scene, sabotage: Sabotage) -> None:
    """Replace a function of the scene's database by one that does the wrong thing."""
    signature, wrapper = _STATEMENTS[sabotage]
    name = signature.partition("(")[0]
    await scene.fetch(f"alter function gtr_jobs.{signature} rename to shipped_{name}")
    await scene.fetch(wrapper)
