"""Why a database may not be the one that it was, in words."""

from __future__ import annotations

from collections.abc import Iterable

# As gtr_jobs.check_lineage() says them.
REASONS = {
    "server": "it is on another server (another system identifier)",
    "database": "it is another database of that server",
    "timeline": "its timeline changed, as by a failover or a recovery to a point in time",
    "ledger": "it has forgotten what a worker remembers: the ledger went back in time",
}


def explain_reasons(reasons: Iterable[str]) -> str:
    """Say why sending was paused."""
    return "; ".join(REASONS.get(reason, reason) for reason in reasons)
