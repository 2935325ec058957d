"""Who sends by Twilio, and how that is proved."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from gtr_jobs.domain.errors import ConfigurationError

_ACCOUNT = re.compile(r"AC[0-9a-f]{32}", re.ASCII)
_SERVICE = re.compile(r"MG[0-9a-f]{32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class TwilioLogin:
    """What a request is signed in with.

    Args:
        username: The account's SID, or an API key's (SK...).
        password: The account's token, or the key's secret.
    """

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TwilioAccount:
    """Who sends.

    Args:
        sid: AC...
        logins: The first that Twilio takes is used: two while one takes the place of the other.
        sender: A number (E.164), a short code or a name; None with a messaging service.
        messaging_service: MG...; None with a sender of our own.

    Raises:
        ConfigurationError: One of them cannot be what it should; names the setting.
    """

    sid: str
    logins: Sequence[TwilioLogin]
    sender: str | None = None
    messaging_service: str | None = None

    def __post_init__(self) -> None:
        if not _ACCOUNT.fullmatch(self.sid):
            raise ConfigurationError(
                "GTR_TWILIO_ACCOUNT_SID: not the SID of an account", "it begins with AC"
            )
        if not self.logins or not all(login.password.strip() for login in self.logins):
            raise ConfigurationError(
                "GTR_TWILIO_AUTH_TOKEN: not set", "set it, or an API key and its secret"
            )
        if self.messaging_service and not _SERVICE.fullmatch(self.messaging_service):
            raise ConfigurationError(
                "GTR_TWILIO_MESSAGING_SERVICE: not the SID of a messaging service",
                "it begins with MG",
            )
        if bool(self.sender) == bool(self.messaging_service):
            raise ConfigurationError(
                "GTR_TWILIO_FROM: set it or GTR_TWILIO_MESSAGING_SERVICE, and not both"
            )
