"""What a device token is, told by its shape.

The app's `platform` column does not say it: a client with an Expo project stores an Expo token on
both platforms, one without stores the native token of its own. The database tells the same by
`gtr_jobs.classify_token()`.
"""

from __future__ import annotations

import re
from typing import Literal

TokenKind = Literal["fcm", "apns", "expo"]
TokenShape = Literal["fcm_token", "fcm_fid", "apns", "expo"]

MAX_TOKEN_LENGTH = 4096

# Expo's own client library accepts both prefixes and a bare UUID (isExpoPushToken in ExpoClient.ts).
_EXPO_BRACKETS = re.compile(r"Expo(?:nent)?PushToken\[[!-Z\\^-~]+\]")
_EXPO_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# Apple asks not to assume a length: devices give 32 bytes, simulators more.
_APNS_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){32,100}")
_HEX = re.compile(r"[0-9a-fA-F]+")
# Registration tokens are `<instance id>:<base64url>`; Firebase installation ids are 22 such signs.
_FCM_FID_LENGTH = 22
_FCM_FID = re.compile(r"[A-Za-z0-9_-]{22}")
_FCM_TOKEN = re.compile(r"[A-Za-z0-9_-]{6,}:[A-Za-z0-9_-]{20,}|[A-Za-z0-9_:-]{100,}")

_KINDS: dict[TokenShape, TokenKind] = {
    "fcm_token": "fcm",
    "fcm_fid": "fcm",
    "apns": "apns",
    "expo": "expo",
}


def tell_shape(token: str) -> TokenShape | None:  # noqa: PLR0911  (one for each shape)
    """Tell what a token is; None when its shape is none that we know."""
    if len(token) > MAX_TOKEN_LENGTH:
        return None
    # Nothing but hexadecimal digits is an APNs token, or one of a wrong length.
    if _HEX.fullmatch(token):
        if _APNS_HEX.fullmatch(token):
            return "apns"
        return "fcm_fid" if len(token) == _FCM_FID_LENGTH else None
    if _FCM_TOKEN.fullmatch(token):
        return "fcm_token"
    if _FCM_FID.fullmatch(token):
        return "fcm_fid"
    if _EXPO_BRACKETS.fullmatch(token) or _EXPO_UUID.fullmatch(token):
        return "expo"
    return None


def is_installation_id(token: str) -> bool:
    """Tell whether a token of FCM is a Firebase installation id, and not a registration token."""
    return len(token) == _FCM_FID_LENGTH and _FCM_FID.fullmatch(token) is not None


def classify_token(token: str) -> TokenKind | None:
    """Tell which provider a token belongs to; None when its shape is none that we know."""
    shape = tell_shape(token)
    return None if shape is None else _KINDS[shape]
