"""Device tokens and what is none, each with what its shape says: Python and SQL must agree on all of them."""

from __future__ import annotations

from gtr_jobs.domain.tokens import TokenShape

_FCM_TAIL = "APA91b" + "Q_-x" * 30
_NO_BREAK_SPACE = "\u00a0"
_ARABIC_DIGITS = "\u0661\u0662"

TOKEN_EXAMPLES: dict[str, tuple[str, TokenShape | None]] = {
    "fcm registration token": ("cXyZ_0123-a:" + _FCM_TAIL, "fcm_token"),
    "fcm registration token, as short as may be": ("abcdef:" + "A" * 20, "fcm_token"),
    "fcm registration token, no colon": ("z" * 100, "fcm_token"),
    "fcm registration token, two colons": ("abcdef:" + "A" * 60 + ":" + "B" * 60, "fcm_token"),
    "fcm registration token, the longest": ("abcdef:" + "A" * 4089, "fcm_token"),
    "fcm installation id": ("dQw4w9WgXcQ-_abcdefghi", "fcm_fid"),
    "fcm installation id, all hexadecimal": ("c" * 22, "fcm_fid"),
    "apns token": ("0a" * 32, "apns"),
    "apns token in capitals": ("0A" * 32, "apns"),
    "apns token of a simulator": ("f0" * 80, "apns"),
    "apns token, the longest": ("f0" * 100, "apns"),
    "expo token": ("ExponentPushToken[xxxxxxxxxxxxxxxxxxxxxx]", "expo"),
    "expo token, the other prefix": ("ExpoPushToken[a]", "expo"),
    "expo token with a backslash and a caret": ("ExpoPushToken[a\\b^c]", "expo"),
    "expo token as a UUID": ("f47ac10b-58cc-4372-a567-0e02b2c3d479", "expo"),
    "expo token as a UUID in capitals": ("F47AC10B-58CC-4372-A567-0E02B2C3D479", "expo"),
    "empty": ("", None),
    "5 KB": ("abcdef:" + "A" * 5000, None),
    "one sign too long": ("abcdef:" + "A" * 4090, None),
    "expo token, not closed": ("ExponentPushToken[xxxxxxxxxxxxxxxxxxxxxx", None),
    "expo token, nothing inside": ("ExponentPushToken[]", None),
    "expo token in small letters": ("exponentpushtoken[xxxxxxxxxxxxxxxxxxxxxx]", None),
    "expo token with a bracket inside": ("ExponentPushToken[a[b]", None),
    "expo token with a space inside": ("ExponentPushToken[a b]", None),
    "expo token with a space of another alphabet": (f"ExpoPushToken[a{_NO_BREAK_SPACE}b]", None),
    "expo token with a line after it": ("ExponentPushToken[xxxx]\n", None),
    "expo token with something before it": (" ExponentPushToken[xxxx]", None),
    "UUID without hyphens": ("f47ac10b58cc4372a5670e02b2c3d479", None),
    "UUID with a wrong letter": ("g47ac10b-58cc-4372-a567-0e02b2c3d479", None),
    "apns token, a digit short": ("0" * 63, None),
    "apns token, a digit long": ("0" * 65, None),
    "apns token, much too short": ("0a" * 20, None),
    "apns token, too long": ("0a" * 101, None),
    "apns token with a line after it": ("0a" * 32 + "\n", None),
    "apns token in angle brackets": ("<" + "0a" * 32 + ">", None),
    "digits of another alphabet": (_ARABIC_DIGITS * 32, None),
    "letters of another alphabet": ("\u00e4" * 22, None),
    "fcm installation id, a sign short": ("dQw4w9WgXcQ-_abcdefgh", None),
    "fcm registration token with a space": ("cXyZ_0123-a: " + _FCM_TAIL, None),
    "fcm registration token, a short tail": ("abcdef:" + "A" * 19, None),
    "a word": ("a-token", None),
    "a sentence": ("this is no token at all, it is a sentence", None),
}
