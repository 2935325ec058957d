"""What a device token is, told by its shape.

The app's `platform` column does not say it: a client with an Expo project stores an Expo token on
both platforms, one without stores the native token of its own.
"""

from __future__ import annotations

import re
from typing import Literal

TokenKind = Literal["fcm", "apns", "expo"]

MAX_TOKEN_LENGTH = 4096

# Expo's own client library accepts both prefixes and a bare UUID (isExpoPushToken in ExpoClient.ts).
_EXPO_BRACKETS = re.compile(r"Expo(?:nent)?PushToken\[[^\[\]\s]+\]")
_EXPO_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# Apple asks not to assume a length: devices give 32 bytes, simulators more.
_APNS_HEX = re.compile(r"(?:[0-9a-f]{2}){32,100}", re.IGNORECASE)
# Registration tokens are `<instance id>:<base64url>`; Firebase installation ids are 22 such signs.
_FCM = re.compile(r"[A-Za-z0-9_-]{6,}:[A-Za-z0-9_-]{20,}|[A-Za-z0-9_-]{22}|[A-Za-z0-9_:-]{100,}")


def classify_token(token: str) -> TokenKind | None:
    """Tell which provider a token belongs to; None when its shape is none that we know."""
    if not token or len(token) > MAX_TOKEN_LENGTH:
        return None
    if _EXPO_BRACKETS.fullmatch(token) or _EXPO_UUID.fullmatch(token):
        return "expo"
    if _APNS_HEX.fullmatch(token):
        return "apns"
    if _FCM.fullmatch(token):
        return "fcm"
    return None
