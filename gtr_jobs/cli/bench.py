"""`gtr-jobs bench`: measures the engine on this machine, beside peers where they are there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gtr_jobs.cli.dev import require_extra
from gtr_jobs.cli.listing import show_fields
from gtr_jobs.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from gtr_jobs.dev.bench.rig import Rig

app = typer.Typer(
    no_args_is_help=True,
    # The bracket would be read as a style.
    help='Measure it on this machine; needs pip install "gtr-jobs\\[demo]".',
)

Postgres = Annotated[int, typer.Option(min=15, max=18, help="Major version of PostgreSQL.")]
Rounds = Annotated[int, typer.Option(min=1, max=20, help="How often; medians are shown.")]
OneLine = Annotated[bool, typer.Option("--json", help="Print one line of JSON.")]
PeersFolder = Annotated[
    Path | None,
    typer.Option(
        help="tests/bench/peers of the repository, where `npm ci` was run: measured in turn.",
        show_default=False,
    ),
]


@app.callback()
def _require_extra() -> None:
    """Measure it on this machine."""
    require_extra("bench")


@app.command()
def drain(
    jobs: Annotated[int, typer.Option(min=10_000, help="No-op jobs in a lane.")] = 200_000,
    rounds: Rounds = 3,
    peers: PeersFolder = None,
    postgres: Postgres = 18,
    as_json: OneLine = False,
) -> None:
    """Jobs a second that one worker process drains, in a lane and one by one."""
    # What it stands on is not part of a worker's installation.
    from gtr_jobs.dev.bench.drain import DrainSize, measure_drain  # noqa: PLC0415
    from gtr_jobs.dev.bench.peers import Peers  # noqa: PLC0415

    others = Peers(peers.resolve()) if peers is not None else None
    if others is not None:
        others.check()
    size = DrainSize(lane=jobs, single=max(jobs // 2, 5000), rounds=rounds)
    _run(postgres, as_json, lambda rig: asyncio.run(measure_drain(rig, others, size)))


@app.command()
def latency(rounds: Rounds = 3, postgres: Postgres = 18, as_json: OneLine = False) -> None:
    """From a job's commit to its handler, when all sleep and at 1,000 inserts a second."""
    from gtr_jobs.dev.bench.latency import LatencySize, measure_latency  # noqa: PLC0415

    size = LatencySize(rounds=rounds)
    _run(postgres, as_json, lambda rig: asyncio.run(measure_latency(rig, size)))


@app.command()
def writes(rounds: Rounds = 3, postgres: Postgres = 18, as_json: OneLine = False) -> None:
    """What our trigger leaves of the app's write rate, at 1, 16 and 64 clients."""
    from gtr_jobs.dev.bench.writes import WritesSize, measure_writes  # noqa: PLC0415

    size = WritesSize(rounds=rounds)
    _run(postgres, as_json, lambda rig: measure_writes(rig, size))


@app.command()
def depth(
    share: Annotated[
        float, typer.Option(min=0.001, max=1.0, help="Of the millions that lie in the way.")
    ] = 1.0,
    rounds: Rounds = 9,
    postgres: Postgres = 18,
    as_json: OneLine = False,
) -> None:
    """Whether a queue is as fast behind a million jobs of another, a million for later and five million done."""
    from gtr_jobs.dev.bench.depth import DepthSize, measure_depth  # noqa: PLC0415

    whole = DepthSize(rounds=rounds)
    size = DepthSize(
        others=int(whole.others * share),
        scheduled=int(whole.scheduled * share),
        finished=int(whole.finished * share),
        rounds=rounds,
    )
    _run(postgres, as_json, lambda rig: asyncio.run(measure_depth(rig, size)))


@app.command()
def memory(
    jobs: Annotated[int, typer.Option(min=10_000, help="No-op jobs in a lane.")] = 1_000_000,
    postgres: Postgres = 18,
    as_json: OneLine = False,
) -> None:
    """Memory that a worker process holds while it drains a million jobs."""
    from gtr_jobs.dev.bench.memory import MemorySize, measure_memory  # noqa: PLC0415

    size = MemorySize(jobs)
    _run(postgres, as_json, lambda rig: asyncio.run(measure_memory(rig, size)))


@app.command()
def wire(
    requests: Annotated[int, typer.Option(min=1000, help="Requests a round.")] = 100_000,
    rounds: Rounds = 3,
    peers: PeersFolder = None,
    as_json: OneLine = False,
) -> None:
    """Requests a second of the transport: to nginx, and to the sink of the peers at 60 ms."""
    from gtr_jobs.dev.bench.wire import WireSize, measure_wire  # noqa: PLC0415

    size = WireSize(requests=requests, rounds=rounds)
    _show(measure_wire(size, peers.resolve() if peers is not None else None), as_json)


@app.command()
def push(
    peers: Annotated[
        Path,
        typer.Option(help="tests/bench/peers of the repository, where `npm ci` was run."),
    ],
    pushes: Annotated[int, typer.Option(min=1000, help="Chat messages a round.")] = 60_000,
    rounds: Rounds = 3,
    postgres: Postgres = 18,
    as_json: OneLine = False,
) -> None:
    """Pushes a second of one worker process, from the queue to the ledger, beside BullMQ on Redis."""
    from gtr_jobs.dev.bench.peers import Peers  # noqa: PLC0415
    from gtr_jobs.dev.bench.push import PushSize, measure_push  # noqa: PLC0415

    others = Peers(peers.resolve())
    others.check()
    size = PushSize(pushes=pushes, rounds=rounds)
    _run(postgres, as_json, lambda rig: asyncio.run(measure_push(rig, others, size)))


@app.command()
def sms(
    texts: Annotated[int, typer.Option(min=100, help="Texts a round.")] = 5_000,
    rounds: Rounds = 3,
    postgres: Postgres = 18,
    as_json: OneLine = False,
) -> None:
    """Texts a second of one worker process to a provider at 150 ms, and of two that share 50 a second."""
    from gtr_jobs.dev.bench.sms import SmsSize, measure_sms  # noqa: PLC0415

    size = SmsSize(texts=texts, rounds=rounds)
    _run(postgres, as_json, lambda rig: asyncio.run(measure_sms(rig, size)))


def _run(postgres: int, as_json: bool, measure: Callable[[Rig], dict[str, Any]]) -> None:
    from gtr_jobs.dev.bench.rig import open_rig  # noqa: PLC0415
    from gtr_jobs.dev.postgres_binaries import PostgresNotFoundError  # noqa: PLC0415

    try:
        with open_rig(postgres) as rig:
            figures = measure(rig)
    except PostgresNotFoundError as error:
        raise ConfigurationError(
            f"--postgres {postgres}: {error}", "take one that is there"
        ) from None
    _show(figures, as_json)


def _show(figures: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(figures))
    else:
        show_fields({name: json.dumps(value) for name, value in figures.items()})
