"""Everything that the daemon says in its log, declared once.

A name is `subject.what_happened`; operators filter by it, so it is not changed lightly.
"""

from __future__ import annotations

from typing import Final

WORKER_STARTED: Final = "worker.started"
WORKER_STOPPING: Final = "worker.stopping"
WORKER_STOPPED: Final = "worker.stopped"
WORKER_FAILED: Final = "worker.failed"
WORKER_STUCK: Final = "worker.stuck"
WORKER_REGISTERED_ANEW: Final = "worker.registered_anew"
WORKER_WARNED: Final = "worker.warned"

PROCESSES_STARTED: Final = "processes.started"
PROCESSES_STOPPING: Final = "processes.stopping"
PROCESSES_STOPPED: Final = "processes.stopped"
PROCESS_ENDED: Final = "processes.ended"
PROCESS_SILENT: Final = "processes.silent"
PROCESS_KILLED: Final = "processes.killed"

DATABASE_AWAY: Final = "database.away"
DATABASE_BACK: Final = "database.back"
DATABASE_SILENT: Final = "database.silent"
SENDING_PAUSED: Final = "database.sending_paused"
SENDING_RESUMED: Final = "database.sending_resumed"
TRIGGERS_MISSING: Final = "database.triggers_missing"
DATABASE_FOREIGN: Final = "database.foreign"
DATABASE_OWN_AGAIN: Final = "database.own_again"

CREDENTIALS_READ: Final = "credentials.read"
CREDENTIALS_CHANGED: Final = "credentials.changed"
CREDENTIALS_REFUSED: Final = "credentials.refused"

JOBS_CLAIMED: Final = "jobs.claimed"
JOB_ENDED: Final = "job.ended"
JOB_DIED: Final = "job.died"
JOBS_RESCUED: Final = "jobs.rescued"
JOBS_SET_ASIDE: Final = "jobs.set_aside"
JOBS_BROUGHT_BACK: Final = "jobs.brought_back"
JOBS_UNOWNED: Final = "jobs.unowned"
JOBS_LOST: Final = "jobs.lost_claim"
HANDLER_FAILED: Final = "jobs.handler_failed"

CRON_TICKED: Final = "cron.ticked"
CRON_TICKS_SKIPPED: Final = "cron.ticks_skipped"
MAINTENANCE_DONE: Final = "maintenance.done"
MAINTENANCE_POSTPONED: Final = "maintenance.postponed"
SWITCHES_CHANGED: Final = "switches.changed"

PROVIDER_THROTTLED: Final = "provider.throttled"
CIRCUIT_OPENED: Final = "provider.circuit_opened"
CIRCUIT_CLOSED: Final = "provider.circuit_closed"
PUSH_ATTEMPTED: Final = "push.attempted"
PUSH_RECEIPT: Final = "push.receipt"
RECEIPTS_READ: Final = "receipts.read"
RECEIPTS_MISCONFIGURED: Final = "receipts.misconfigured"
MESSAGE_ATTEMPTED: Final = "message.attempted"
MESSAGE_CLEARED_UP: Final = "message.cleared_up"
BUDGET_REACHED: Final = "message.budget_reached"
SEARCHES_MATCHED: Final = "searches.matched"

WEBHOOKS_SERVED: Final = "webhooks.served"
WEBHOOK_REFUSED: Final = "webhooks.refused"
WEBHOOK_FAILED: Final = "webhooks.failed"
STATUS_REPORTED: Final = "webhooks.status_reported"
STATUS_UNKNOWN: Final = "webhooks.status_unknown"
ADDRESS_SUPPRESSED: Final = "webhooks.address_suppressed"
ADDRESS_UNSUPPRESSED: Final = "webhooks.address_unsuppressed"
HTTP_STARTED: Final = "http.started"
HTTP_STOPPING: Final = "http.stopping"
HTTP_STOPPED: Final = "http.stopped"

ALL_EVENTS: Final = frozenset(
    value for name, value in dict(globals()).items() if name.isupper() and isinstance(value, str)
)
