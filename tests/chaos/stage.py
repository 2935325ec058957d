"""What the faults of the long form reach: the scene, the network and the server under it."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from chaos.crew import Hand
from chaos.scene import Scene
from support.proxy import Proxy

from gtr_jobs.dev.postgres import EmbeddedServer


@dataclass(frozen=True, slots=True)
class Stage:
    """The parts that can be broken.

    Args:
        scene: Workers, writers and providers.
        proxy: The network between workers and server.
        server: The database's server.
        chance: Decides everything that is left to chance, from one seed.
    """

    scene: Scene
    proxy: Proxy
    server: EmbeddedServer
    chance: random.Random

    def pick_worker(self) -> Hand | None:
        """Pick a worker that runs; None where all are being started."""
        alive = self.scene.crew.alive
        return self.chance.choice(alive) if alive else None


@dataclass(frozen=True, slots=True)
class Act:
    """One kind of fault.

    Args:
        kind: Its name in the history and the figures.
        weight: How often it comes, compared with others.
        do: Does it, and returns when it is over.
        is_alone: Others that are alone wait for it: two hands on one network or server would undo each other.
    """

    kind: str
    weight: int
    do: Callable[[Stage], Awaitable[None]]
    is_alone: bool = False
