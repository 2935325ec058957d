"""One process of `gtr-jobs worker --processes N`: started by its parent, and by nobody else.

    python -m gtr_jobs.cli.child FD

FD is its end of a socket pair. There it is told how to begin, reports every second, and takes its
orders; when the other end closes, its parent is gone, and it stops in order.
"""

from __future__ import annotations

import socket
import sys

from gtr_jobs.cli.beginning import begin
from gtr_jobs.cli.leaving import leave
from gtr_jobs.domain.errors import GtrError
from gtr_jobs.settings import read_settings
from gtr_jobs.worker.orders import read_begin


def main(arguments: list[str]) -> int:
    """Run one worker for its parent; give the exit code."""
    begin()
    try:
        parent = socket.socket(fileno=int(arguments[0]))
    except (IndexError, ValueError, OSError):
        print("gtr_jobs.cli.child is started by `gtr-jobs worker --processes`", file=sys.stderr)
        return 2
    try:
        orders = read_begin(parent)
        if orders is None:
            return 0
        # Most of what there is to load: whose parent is gone spares it.
        from gtr_jobs.app.worker import run_child  # noqa: PLC0415

        settings = read_settings().model_copy(update=dict(orders.given))
        run_child(settings, orders, parent)
    except GtrError as error:
        print(f"gtr-jobs: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    leave(main(sys.argv[1:]))
