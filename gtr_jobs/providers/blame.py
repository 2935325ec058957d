"""Whose fault a code is: one device's, ours, or the provider's, which is all others."""

from __future__ import annotations

# A fault of one device or of one message: the provider is well that says so.
ONE_DEVICES = frozenset(
    {
        "QUOTA_EXCEEDED",
        "RESOURCE_EXHAUSTED",
        "TooManyRequests",
        "Unregistered",
        "ExpiredToken",
        "MessageRateExceeded",
        "ExpoError",
        "ProviderError",
    }
)
# Nobody was asked, for a reason of ours.
OURS = frozenset({"pool_timeout", "pool_closed"})
# These can also be one device's own fault; many in a row, or among many, are ours.
PERHAPS_ONE_DEVICES = frozenset(
    {
        "SENDER_ID_MISMATCH",
        "THIRD_PARTY_AUTH_ERROR",
        "BadDeviceToken",
        "DeviceTokenNotForTopic",
        "MismatchSenderId",
    }
)
