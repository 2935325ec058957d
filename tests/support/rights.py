"""Who may do what in our schemas and with our RPCs: what is on no list here is nobody's, tables above all.

A function that is added to a list was thought about.
"""

from __future__ import annotations

# Everything that the worker may call; it has no right on any table.
WORKER_FUNCTIONS = {
    "gtr_jobs.ack_done_jobs",
    "gtr_jobs.ack_jobs",
    "gtr_jobs.beat_heart",
    "gtr_jobs.bring_back_jobs",
    "gtr_jobs.check_lineage",
    "gtr_jobs.claim_jobs",
    "gtr_jobs.claim_jobs_after",
    "gtr_jobs.claim_limited",
    "gtr_jobs.count_enqueue_errors",
    "gtr_jobs.drop_old_partition",
    "gtr_jobs.enqueue",
    "gtr_jobs.enqueue_cron_ticks",
    "gtr_jobs.fall_asleep",
    "gtr_jobs.forget_rows",
    "gtr_jobs.job",
    "gtr_jobs.keep_devices",
    "gtr_jobs.lease_tokens",
    "gtr_jobs.lease_tokens_of",
    "gtr_jobs.make_partitions",
    "gtr_jobs.note_held_jobs",
    "gtr_jobs.put_off_tickets",
    "gtr_jobs.read_app_devices",
    "gtr_jobs.pause_provider",
    "gtr_jobs.read_badges",
    "gtr_jobs.read_deliveries",
    "gtr_jobs.read_devices",
    "gtr_jobs.read_installation",
    "gtr_jobs.read_installed_files",
    "gtr_jobs.read_messages",
    "gtr_jobs.read_notifications",
    "gtr_jobs.read_pressure",
    "gtr_jobs.read_queue_depth",
    "gtr_jobs.read_schema_migrations",
    "gtr_jobs.read_switches",
    "gtr_jobs.register_worker",
    "gtr_jobs.release_unknown_jobs",
    "gtr_jobs.rescue_jobs",
    "gtr_jobs.resume_provider",
    "gtr_jobs.set_aside_paused",
    "gtr_jobs.settle_tickets",
    "gtr_jobs.stay_awake",
    "gtr_jobs.sweep_sleepers",
    "gtr_jobs.take_tickets",
    "gtr_jobs.take_probe",
    "gtr_jobs.tell_saved_searches",
    "gtr_jobs.unregister_worker",
    "gtr_jobs.watch_cron",
    "gtr_jobs.write_message_notifications",
}
# What others get done for them.
PRIVATE_FUNCTIONS = {
    "gtr_jobs.check_data",
    "gtr_jobs.classify_token",
    "gtr_jobs.current_trace_id",
    "gtr_jobs.find_saved_searches",
    "gtr_jobs.is_feature_on",
    "gtr_jobs.is_in_ramp",
    "gtr_jobs.is_paused",
    "gtr_jobs.is_time_zone",
    "gtr_jobs.name_row",
    "gtr_jobs.note_missed_devices",
    "gtr_jobs.note_registrations",
    "gtr_jobs.on_listings_delete",
    "gtr_jobs.on_listings_insert",
    "gtr_jobs.on_listings_update",
    "gtr_jobs.on_messages_insert",
    "gtr_jobs.on_notifications_insert",
    "gtr_jobs.on_user_device_tokens_delete",
    "gtr_jobs.on_user_device_tokens_insert",
    "gtr_jobs.on_user_device_tokens_update",
    "gtr_jobs.ramp_place",
    "gtr_jobs.read_server",
    "gtr_jobs.record_enqueue_error",
    "gtr_jobs.refuse",
    "gtr_jobs.refuse_audit_change",
    "gtr_jobs.take_key",
    "gtr_jobs.write_notifications",
}
# What operators do, as the owner or as a role that was given them.
OPERATOR_FUNCTIONS = {
    "gtr_jobs.acknowledge_lineage",
    "gtr_jobs.cancel_jobs",
    "gtr_jobs.clear_switch",
    "gtr_jobs.count_causes",
    "gtr_jobs.discard_dead_jobs",
    "gtr_jobs.find_dead_jobs",
    "gtr_jobs.group_dead_jobs",
    "gtr_jobs.list_cron",
    "gtr_jobs.list_dead_jobs",
    "gtr_jobs.list_jobs",
    "gtr_jobs.list_kinds",
    "gtr_jobs.list_switches",
    "gtr_jobs.may_be_sent_again",
    "gtr_jobs.preview_dead_jobs",
    "gtr_jobs.read_job_audit",
    "gtr_jobs.read_job_deliveries",
    "gtr_jobs.read_jobs",
    "gtr_jobs.read_lineage",
    "gtr_jobs.read_workers",
    "gtr_jobs.record_audit",
    "gtr_jobs.requeue_dead_jobs",
    "gtr_jobs.revive_jobs",
    "gtr_jobs.set_switch",
    "gtr_jobs.withdraw_jobs",
}
# The RPCs, each in public for the API and in gtr_jobs for what it does; by who may call both.
PEOPLES_RPCS = {
    "my_deliveries",
    "register_app_device",
    "register_device_token",
    "unregister_device_token",
}
SERVERS_RPCS = {
    "notify_user",
    "notify_users",
}
RPC_FUNCTIONS = {f"gtr_jobs.{name}" for name in PEOPLES_RPCS | SERVERS_RPCS}
# What each role may do; all else is forbidden.
SCHEMAS = {
    "anon": set[str](),
    "authenticated": {"gtr_jobs usage"},
    "service_role": {"gtr_jobs usage"},
    "gtr_worker": {"gtr_jobs usage"},
}
FUNCTIONS = {
    "anon": set[str](),
    "authenticated": {
        f"{schema}.{name}" for name in PEOPLES_RPCS for schema in ("gtr_jobs", "public")
    },
    "service_role": {
        f"{schema}.{name}" for name in SERVERS_RPCS for schema in ("gtr_jobs", "public")
    },
    "gtr_worker": WORKER_FUNCTIONS,
}
