"""Stand-ins for FCM HTTP v1, Google's OAuth, APNs and Expo's push service.

They check what the real ones check, answer in their words, can be told to fail, and keep a ledger
of what reached which phone. The parts, from the wire up:

    server, http1, http2, tls     a port of this machine
    standin, script               answers, or what a test wants answered instead
    google_oauth, fcm, apns, expo what each provider checks
    phones, ledger, screen        devices, what was accepted, and how it looks
    provider_standins, control    all of them together, and from another process
"""

from __future__ import annotations

from gtr_jobs.dev.standins.exchange import Disconnect, GoAway, Reset, Respond, Stall
from gtr_jobs.dev.standins.ledger import Acceptance, Ledger
from gtr_jobs.dev.standins.phones import Phone, Phones
from gtr_jobs.dev.standins.provider_standins import ProviderStandIns
from gtr_jobs.dev.standins.screen import Shown, show, show_all
from gtr_jobs.dev.standins.script import FOR_EVER, Accept, AfterAccepting, Fail, Slow

__all__ = [
    "FOR_EVER",
    "Accept",
    "Acceptance",
    "AfterAccepting",
    "Disconnect",
    "Fail",
    "GoAway",
    "Ledger",
    "Phone",
    "Phones",
    "ProviderStandIns",
    "Reset",
    "Respond",
    "Shown",
    "Slow",
    "Stall",
    "show",
    "show_all",
]
