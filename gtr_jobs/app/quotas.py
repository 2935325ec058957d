"""How fast each provider's account is asked, where operators set no rate: a little under what it publishes."""

from __future__ import annotations

from gtr_jobs.domain.span import parse_rate
from gtr_jobs.engine.rates import Quota
from gtr_jobs.settings import Settings

# "Ramp up from nothing to the peak over 60 seconds at least."
_FCM_GROWS_SECONDS = 60.0


def quotas_of(settings: Settings) -> dict[str, Quota]:
    """Give the published rates by the account's name; APNs publishes none."""
    quotas = {}
    if settings.fcm_rate != "off":
        quotas["fcm"] = Quota(float(parse_rate(settings.fcm_rate)), _FCM_GROWS_SECONDS)
    if settings.expo_rate != "off":
        quotas["expo"] = Quota(float(parse_rate(settings.expo_rate)))
    return quotas
