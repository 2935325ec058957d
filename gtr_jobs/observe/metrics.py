"""What Prometheus reads. Labels are few and bounded: never a person, a token or a job's id."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from gtr_jobs.observe.histogram import BatchHistogram

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_WAITS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1800)
_CALLS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """All metrics of one process, in a registry of their own."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        kinds = ["queue", "kind"]
        self.build_info = Gauge(
            "gtr_build_info", "The version that runs", ["version"], registry=self.registry
        )
        self.build_info.labels(version).set(1)
        self.worker_up = Gauge(
            "gtr_worker_up", "1 while the worker claims jobs", registry=self.registry
        )
        self.jobs_claimed = Counter(
            "gtr_jobs_claimed_total", "Jobs claimed", ["queue"], registry=self.registry
        )
        self.jobs_ended = Counter(
            "gtr_jobs_ended_total",
            "How claimed jobs left this worker: done, retry, release or dead",
            [*kinds, "end"],
            registry=self.registry,
        )
        self.jobs_lost = Counter(
            "gtr_jobs_lost_claims_total",
            "Acks refused because the claim was no longer this worker's",
            ["queue"],
            registry=self.registry,
        )
        self.jobs_rescued = Counter(
            "gtr_jobs_rescued_total",
            "Jobs of dead workers, given_back or quarantined, and jobs released by the worker that never learned of its claim",
            ["fate"],
            registry=self.registry,
        )
        self.jobs_unowned = Gauge(
            "gtr_jobs_doing_unowned",
            "Jobs that the database held this worker to be doing and that it did not have, when last compared",
            ["queue"],
            registry=self.registry,
        )
        self.queue_wait = BatchHistogram(
            "gtr_job_queue_wait_seconds", "From due to claimed", kinds, _WAITS, self.registry
        )
        self.in_flight = Gauge(
            "gtr_worker_inflight_jobs",
            "Jobs claimed and not acked",
            ["queue"],
            registry=self.registry,
        )
        self.delivery_attempts = Counter(
            "gtr_delivery_attempts_total",
            "Attempts to send",
            ["app", "provider", "outcome"],
            registry=self.registry,
        )
        self.provider_seconds = BatchHistogram(
            "gtr_provider_request_duration_seconds",
            "From request to answer",
            ["app", "provider"],
            _CALLS,
            self.registry,
        )
        self.provider_in_flight = Gauge(
            "gtr_provider_requests_in_flight",
            "Requests to a provider under way",
            ["provider"],
            registry=self.registry,
        )
        self.provider_limit = Gauge(
            "gtr_provider_in_flight_limit",
            "How many may be under way now: grows with success, halves in trouble",
            ["provider"],
            registry=self.registry,
        )
        self.provider_circuit = Gauge(
            "gtr_provider_circuit_state",
            "0 closed: sends; 1 open: sends nothing; 2 probing: one request finds out",
            ["provider"],
            registry=self.registry,
        )
        self.provider_throttled = Counter(
            "gtr_provider_throttled_seconds_total",
            "For how long a provider has asked this worker not to be asked",
            ["provider"],
            registry=self.registry,
        )
        self.provider_resends = Counter(
            "gtr_provider_resent_requests_total",
            "Requests sent again because the server said that it had not processed them: refused_stream or goaway",
            ["service", "reason"],
            registry=self.registry,
        )
        self.devices_dropped = Counter(
            "gtr_device_tokens_disabled_total",
            "Devices that a provider says are gone",
            ["app", "provider", "reason"],
            registry=self.registry,
        )
        self.receipts = Counter(
            "gtr_receipts_total",
            "What providers told later of pushes that they took, missing and unread ones each time they were asked for",
            ["app", "provider", "outcome"],
            registry=self.registry,
        )
        self.resent_after_unknown = Counter(
            "gtr_delivery_resent_after_unknown_total",
            "Texts sent again after an attempt of which nobody knew, when the provider did not have it",
            ["channel"],
            registry=self.registry,
        )
        self.messages_cleared = Counter(
            "gtr_delivery_cleared_up_total",
            "Attempts of which nobody knew: found at the provider, absent there, or unknown for good",
            ["channel", "fate"],
            registry=self.registry,
        )
        self.messages_unsettled = Gauge(
            "gtr_delivery_unknown",
            "Texts and e-mails that may have been sent, and nobody knows; counts stop at 10000",
            ["channel"],
            registry=self.registry,
        )
        self.budget_stops = Counter(
            "gtr_budget_stops_total",
            "Messages put off because a budget is used up: the day's, or a country's",
            ["channel", "scope"],
            registry=self.registry,
        )
        self.spend_today = Gauge(
            "gtr_spend_today",
            "What this UTC day's messages cost, with what is expected of those without a price yet",
            ["channel", "country"],
            registry=self.registry,
        )
        self.queue_depth = Gauge(
            "gtr_queue_depth",
            "Jobs by state; counts stop at 10000",
            ["queue", "state"],
            registry=self.registry,
        )
        self.queue_oldest = Gauge(
            "gtr_queue_oldest_due_age_seconds",
            "How long the oldest due job has waited",
            ["queue"],
            registry=self.registry,
        )
        self.oldest_transaction = Gauge(
            "gtr_db_oldest_transaction_seconds",
            "Age of the oldest transaction of the database: while it is open, nothing is cleaned up",
            registry=self.registry,
        )
        self.dead_rows = Gauge(
            "gtr_queue_dead_rows",
            "Rows of the queue's table that wait to be cleaned up, as the server estimates",
            registry=self.registry,
        )
        self.triggers_missing = Gauge(
            "gtr_triggers_missing",
            "Tables of the app that should have a trigger of ours and have none",
            registry=self.registry,
        )
        self.enqueue_errors = Gauge(
            "gtr_enqueue_errors_last_hour",
            "Rows whose trigger could not enqueue in the last hour; counts stop at 10000",
            registry=self.registry,
        )
        self.log_lines_lost = Counter(
            "gtr_log_lines_lost_total",
            "Lines of the log that were not written, because nobody reads it or its disk is full",
            registry=self.registry,
        )
        self.cron_ticks = Counter(
            "gtr_cron_ticks_total",
            "Ticks of cron lines that this worker enqueued, or left out by the line's policy",
            ["cron", "fate"],
            registry=self.registry,
        )
        self.switches_paused = Gauge(
            "gtr_switches_paused",
            "Queues, kinds, providers and channels that operators paused",
            registry=self.registry,
        )
        self.database_errors = Counter(
            "gtr_db_errors_total",
            "Statements that failed, by class of SQLSTATE",
            ["sqlstate_class"],
            registry=self.registry,
        )
        self.database_contact = Gauge(
            "gtr_worker_last_db_roundtrip_timestamp_seconds",
            "When the database last answered this worker",
            registry=self.registry,
        )
        self.timeline_changed = Gauge(
            "gtr_db_timeline_changed",
            "1 while sending is paused because the database is another one than it was, or an older one",
            registry=self.registry,
        )
        self.database_foreign = Gauge(
            "gtr_db_foreign",
            "1 while nothing is done because the database says that it is another project or environment",
            registry=self.registry,
        )
        self.credential_changes = Counter(
            "gtr_credential_changes_total",
            "New credentials that a running worker took, or refused and went on with the old ones",
            ["app", "provider", "result"],
            registry=self.registry,
        )
        self.webhook_requests = Counter(
            "gtr_webhook_requests_total",
            "Requests to the pages for providers, by what came of them",
            ["page", "result"],
            registry=self.registry,
        )
        self.webhook_in_flight = Gauge(
            "gtr_webhook_requests_in_flight",
            "Requests to the pages for providers that are being read and answered",
            registry=self.registry,
        )
        self.webhook_statuses = Counter(
            "gtr_webhook_statuses_total",
            "What providers reported of messages; other is a word that is not known yet",
            ["provider", "status"],
            registry=self.registry,
        )
        self.listening = Gauge(
            "gtr_worker_listening",
            "1 while inserts wake this worker, 0 while it finds jobs by looking every second",
            registry=self.registry,
        )

    def render(self) -> bytes:
        """Write all metrics in Prometheus' text format."""
        return generate_latest(self.registry)
