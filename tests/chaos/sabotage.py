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
_ACCEPTED = "ack_accepted_pushes(bigint, bigint[], bigint[], uuid[], uuid[], uuid[], text[], text[], boolean[])"
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

# Pushes that were taken go the way of all others, and so through whatever is wrong there.
_ACCEPTED_BY_DOCUMENTS = """
    create function gtr_jobs.ack_accepted_pushes(
        p_worker_id bigint,
        p_job_ids bigint[],
        p_claim_numbers bigint[],
        p_dedupe_keys uuid[],
        p_user_ids uuid[],
        p_device_ids uuid[],
        p_providers text[],
        p_provider_ids text[],
        p_resent boolean[]
    )
    returns setof bigint
    language sql
    security definer
    as $$
        select gtr_jobs.ack_jobs(
            p_worker_id,
            jsonb_agg(distinct jsonb_build_object(
                'job_id', d.job_id, 'claim_number', d.claim_number, 'ended', 'done', 'attempted', true,
                'maybe_sent', false
            )),
            jsonb_agg(jsonb_build_object(
                'job_id', d.job_id, 'dedupe_key', d.dedupe_key, 'kind', j.task_name, 'channel', 'push',
                'provider', d.provider, 'user_id', d.user_id, 'device_id', d.device_id, 'state', 'sent',
                'outcome', 'accepted', 'code', '', 'provider_id', d.provider_id, 'resent', d.resent
            ))
        )
        from unnest(
            p_job_ids, p_claim_numbers, p_dedupe_keys, p_user_ids, p_device_ids, p_providers,
            p_provider_ids, p_resent
        ) as d (
            job_id, claim_number, dedupe_key, user_id, device_id, provider, provider_id, resent
        )
        left join procrastinate.procrastinate_jobs as j on j.id = d.job_id
    $$;
    grant execute on function gtr_jobs.ack_accepted_pushes(
        bigint, bigint[], bigint[], uuid[], uuid[], uuid[], text[], text[], boolean[]
    ) to gtr_worker;
"""


def _broken_acks(body: str) -> Mapping[str, str]:
    """Break every way in which a job is ended that tells of a delivery."""
    return {_ACK: _ACK_WRAPPER.replace("{body}", body), _ACCEPTED: _ACCEPTED_BY_DOCUMENTS}


# What stands in for which functions.
_STATEMENTS: Mapping[Sabotage, Mapping[str, str]] = {
    "fence off": _broken_acks(_UNFENCED),
    "acks dropped": _broken_acks(_DROPPED),
    "jobs forgotten": _broken_acks(_FORGOTTEN),
    "resent unreported": _broken_acks(_UNREPORTED),
    "rescue off": {
        _RESCUE: """
        create function gtr_jobs.rescue_jobs(p_silence interval, p_limit integer)
        returns table (job_id bigint, runs_again boolean)
        language sql as $$ select null::bigint, null::boolean where false $$;
        grant execute on function gtr_jobs.rescue_jobs(interval, integer) to gtr_worker;
        """,
    },
    "not enqueued": {
        "on_messages_insert()": """
        create function gtr_jobs.on_messages_insert() returns trigger
        language plpgsql as $$ begin return null; end $$;
        drop trigger gtr_jobs_messages_insert on public.messages;
        create trigger gtr_jobs_messages_insert after insert on public.messages
            for each statement execute function gtr_jobs.on_messages_insert();
        """,
    },
}


async def break_build(scene: Scene, sabotage: Sabotage) -> None:
    """Replace functions of the scene's database by some that do the wrong thing."""
    for signature, wrapper in _STATEMENTS[sabotage].items():
        name = signature.partition("(")[0]
        await scene.fetch(f"alter function gtr_jobs.{signature} rename to shipped_{name}")
        await scene.fetch(wrapper)
