"""What operators can pause is what sends."""

from __future__ import annotations

from typing import get_args

from gtr_jobs.domain.switches import ProviderName
from gtr_jobs.providers.apns import ApnsProvider
from gtr_jobs.providers.expo import ExpoProvider
from gtr_jobs.providers.fcm import FcmProvider
from gtr_jobs.providers.plivo import PlivoProvider
from gtr_jobs.providers.smtp import SmtpProvider
from gtr_jobs.providers.twilio import TwilioProvider


def test_every_provider_is_known_to_switches_by_its_name() -> None:
    """A provider of another name could be neither paused nor held to a rate."""
    providers = (
        FcmProvider,
        ApnsProvider,
        ExpoProvider,
        TwilioProvider,
        PlivoProvider,
        SmtpProvider,
    )
    assert tuple(provider.name for provider in providers) == get_args(ProviderName)
