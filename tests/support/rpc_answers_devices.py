"""What the API answers to who registers a device, takes one away or reads deliveries, and does it wrongly."""

from __future__ import annotations

from support.rpc_calls import APNS_TOKEN, GONE, RIGHT, Call, refuse, unknown_function, wrong
from support.supabase_js import Answer

_TOKEN_FORMAT = refuse(
    422,
    "token_format",
    "the device token has none of the known shapes",
    "Give the token as FCM, APNs (hexadecimal) or Expo handed it out.",
)
_PLATFORM = refuse(
    422, "platform", "the platform is none that is known", "Give one of: ios, android."
)
_INSTALLATION_ID = refuse(
    422,
    "installation_id",
    "the installation id has another shape",
    "Give 16 to 128 letters, digits, dots, colons, hyphens or underscores, such as a random UUID.",
)
_LOCALE = refuse(422, "locale", "the locale is no language tag", "Give one such as en or pt-BR.")
_TIME_ZONE = refuse(
    422,
    "time_zone",
    "the time zone is none that is known",
    "Give an IANA name such as Europe/Lisbon.",
)
_APP_VERSION = refuse(
    422,
    "app_version",
    "the app version has another shape",
    "Give up to 64 ASCII signs, such as 2.4.1.",
)
_APP = refuse(
    422,
    "app",
    "the app's name has another shape",
    "Give up to 40 lower case letters, digits and single underscores, as the worker's settings name it.",
)
_APNS_ENVIRONMENT = refuse(
    422,
    "apns_environment",
    "the environment is none of Apple's",
    "Give one of: production, sandbox.",
)


def _calls_about_a_device(rpc: str) -> list[Call]:
    return [
        *(
            wrong(rpc, f"token {title}", _TOKEN_FORMAT, p_device_token=token)
            for title, token in {
                "null": None,
                "empty": "",
                "of 5 KB": "abcdef:" + "A" * 5000,
                "not closed": "ExponentPushToken[xxxxxxxxxxxxxxxxxxxxxx",
                "a digit short": "0" * 63,
                "a digit long": "0" * 65,
                "a number": 7,
            }.items()
        ),
        *(
            wrong(rpc, f"platform {platform!r}", _PLATFORM, p_platform=platform)
            for platform in ("blackberry", "", "iOS", None)
        ),
        *(
            wrong(rpc, f"{name} {value[:12]!r}", answer, **{name: value})
            for name, answer, value in [
                ("p_installation_id", _INSTALLATION_ID, "short"),
                ("p_installation_id", _INSTALLATION_ID, "x" * 129),
                ("p_installation_id", _INSTALLATION_ID, "sixteen signs and spaces"),
                ("p_locale", _LOCALE, "portuguese"),
                ("p_time_zone", _TIME_ZONE, "Europe/Atlantis"),
                ("p_app_version", _APP_VERSION, ""),
                ("p_app_version", _APP_VERSION, "1" * 65),
            ]
        ),
    ]


CALLS_ABOUT_DEVICES = [
    *_calls_about_a_device("register_device_token"),
    *_calls_about_a_device("register_app_device"),
    *(
        wrong("register_app_device", f"app {app!r}", _APP, p_app=app)
        for app in (None, "", "Dealer", "two__lines", "_x", "x_", "x" * 41, "9lives")
    ),
    *(
        wrong("register_app_device", f"host {host!r}", _APNS_ENVIRONMENT, p_apns_environment=host)
        for host in ("", "staging", "Sandbox")
    ),
    Call(
        "without a platform",
        "member",
        "register_device_token",
        {"p_device_token": APNS_TOKEN},
        unknown_function("register_device_token", "p_device_token"),
    ),
    Call(
        "called as what only reads",
        "member",
        "register_device_token",
        RIGHT["register_device_token"][1],
        Answer(405, None, "25006", None, "cannot execute INSERT in a read-only transaction"),
        get=True,
    ),
    Call(
        "the account is gone",
        "gone",
        "register_device_token",
        RIGHT["register_device_token"][1],
        Answer(
            409,
            None,
            "23503",
            f'Key (user_id)=({GONE}) is not present in table "users".',
            'insert or update on table "user_device_tokens" violates foreign key constraint'
            ' "user_device_tokens_user_id_fkey"',
        ),
    ),
    *(
        wrong(
            "unregister_device_token",
            f"token {token!r}",
            refuse(422, "token_format", "the device token is empty", "Give the registered token."),
            p_device_token=token,
        )
        for token in ("", None)
    ),
]

_LIMIT = refuse(422, "limit", "the limit is out of range", "Give 1 to 200.")
CALLS_ABOUT_DELIVERIES = [
    *(
        wrong("my_deliveries", f"limit {limit}", _LIMIT, p_limit=limit)
        for limit in (0, -1, 201, None)
    ),
    *(
        wrong(
            "my_deliveries",
            f"limit {limit!r}",
            Answer(400, None, "22P02", None, f'invalid input syntax for type integer: "{limit}"'),
            p_limit=limit,
        )
        for limit in ("many", 1.5)
    ),
    wrong(
        "my_deliveries",
        "before what is no time",
        Answer(
            400,
            None,
            "22007",
            None,
            'invalid input syntax for type timestamp with time zone: "soon"',
        ),
        p_before="soon",
    ),
]
