"""All stand-ins together: FCM with Google's OAuth, APNs and Expo, on ports of this machine."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Literal, Self

from gtr_jobs.dev.standins.apns import ApnsStandIn
from gtr_jobs.dev.standins.credentials import make_service_account, make_signing_key
from gtr_jobs.dev.standins.expo import ExpoStandIn
from gtr_jobs.dev.standins.fcm import SCOPES, FcmStandIn
from gtr_jobs.dev.standins.google_oauth import GoogleOAuthStandIn
from gtr_jobs.dev.standins.ledger import KEEP, Ledger
from gtr_jobs.dev.standins.phones import Phones
from gtr_jobs.dev.standins.plivo import PlivoStandIn
from gtr_jobs.dev.standins.smtp import SmtpStandIn
from gtr_jobs.dev.standins.standin import Standing
from gtr_jobs.dev.standins.tls import ThrowawayAuthority
from gtr_jobs.dev.standins.twilio import TwilioStandIn

StandInName = Literal["oauth", "fcm", "apns", "expo", "twilio", "plivo", "smtp"]

DEFAULT_PROJECT = "gtr-standin"
DEFAULT_TOPIC = "com.example.app"
# Twilio's own number for tests.
DEFAULT_NUMBER = "+15005550006"
DEFAULT_ADDRESS = "noreply@example.com"


class ProviderStandIns:
    """Runs the stand-ins in the running loop for as long as the context is open.

        async with ProviderStandIns() as providers:
            environment = providers.write_credentials(folder)
            ...
            [push] = await providers.ledger.wait_for(1)

    Args:
        strict: Whether tokens that are not in `phones` are refused; see Phones.
        sandbox: Whether APNs is its development environment.
        ports: Where to listen; any free port for those not named.
        keep: How many acceptances the ledger holds.

    Attributes:
        oauth: Google's token endpoint.
        fcm: Firebase Cloud Messaging.
        apns: Apple's push service.
        expo: Expo's push service.
        twilio: Twilio's API of messages.
        plivo: Plivo's.
        smtp: A mail server.
        phones: The devices.
        ledger: What was accepted.
        ca_file: The certificate authority that clients must trust.
    """

    def __init__(
        self,
        *,
        strict: bool = False,
        sandbox: bool = False,
        ports: Mapping[StandInName, int] | None = None,
        keep: int = KEEP,
    ) -> None:
        at = ports or {}
        self._folder = tempfile.TemporaryDirectory(prefix="gtr-standins-")
        authority = ThrowawayAuthority(Path(self._folder.name))
        self.ca_file = authority.ca_file
        self.phones = Phones(strict=strict)
        self.ledger = Ledger(keep)
        self.oauth = GoogleOAuthStandIn(authority, at.get("oauth", 0))
        self.fcm = FcmStandIn(
            authority, self.oauth, self.phones, self.ledger, port=at.get("fcm", 0)
        )
        self.apns = ApnsStandIn(
            authority, self.phones, self.ledger, port=at.get("apns", 0), sandbox=sandbox
        )
        self.expo = ExpoStandIn(authority, self.phones, self.ledger, port=at.get("expo", 0))
        self.twilio = TwilioStandIn(authority, self.ledger, port=at.get("twilio", 0))
        self.plivo = PlivoStandIn(authority, self.ledger, port=at.get("plivo", 0))
        self.smtp = SmtpStandIn(authority, self.ledger, port=at.get("smtp", 0))
        self._running = AsyncExitStack()

    @property
    def all(self) -> Mapping[StandInName, Standing]:
        """The stand-ins by name."""
        return {
            "oauth": self.oauth,
            "fcm": self.fcm,
            "apns": self.apns,
            "expo": self.expo,
            "twilio": self.twilio,
            "plivo": self.plivo,
            "smtp": self.smtp,
        }

    def write_credentials(
        self, folder: Path, *, project: str = DEFAULT_PROJECT, topic: str = DEFAULT_TOPIC
    ) -> dict[str, str]:
        """Make keys that the stand-ins accept and write them as Google and Apple hand them out.

        Args:
            folder: Where the files go.
            project: The Firebase project that the service account is of.
            topic: The app that the APNs key may send for.

        Returns:
            The environment of a worker that sends to the stand-ins.
        """
        account, service_account_file = make_service_account(project, self.oauth.token_url)
        key, p8 = make_signing_key(topic)
        self.oauth.register(account)
        self.apns.tokens.register(key)
        return {
            "GTR_FCM_CREDENTIALS_FILE": _write_secret(
                folder / "fcm-service-account.json", json.dumps(service_account_file, indent=2)
            ),
            "GTR_FCM_URL": self.fcm.url,
            "GTR_APNS_KEY_FILE": _write_secret(folder / f"AuthKey_{key.key_id}.p8", p8),
            "GTR_APNS_KEY_ID": key.key_id,
            "GTR_APNS_TEAM_ID": key.team,
            "GTR_APNS_TOPIC": topic,
            "GTR_APNS_URL": self.apns.url,
            "GTR_EXPO_URL": self.expo.url,
            "GTR_CA_FILE": str(self.ca_file),
        }

    def message_settings(self) -> dict[str, str]:
        """Give the environment of a worker that sends text messages and e-mail to the stand-ins."""
        return {
            "GTR_TWILIO_ACCOUNT_SID": self.twilio.account,
            "GTR_TWILIO_AUTH_TOKEN": self.twilio.auth_token,
            "GTR_TWILIO_FROM": DEFAULT_NUMBER,
            "GTR_TWILIO_URL": self.twilio.url,
            "GTR_SMS_COUNTRIES": "*",
            "GTR_SMTP_HOST": "localhost",
            "GTR_SMTP_PORT": str(self.smtp.port),
            "GTR_SMTP_USERNAME": self.smtp.username,
            "GTR_SMTP_PASSWORD": self.smtp.password,
            "GTR_SMTP_FROM": DEFAULT_ADDRESS,
            "GTR_CA_FILE": str(self.ca_file),
        }

    def issue_fcm_bearer(
        self, *, project: str = DEFAULT_PROJECT, scopes: frozenset[str] = SCOPES
    ) -> str:
        """Give an access token for FCM to those who want to try it by hand."""
        account, _ = make_service_account(project, self.oauth.token_url)
        self.oauth.register(account)
        return self.oauth.issue(account, scopes)

    def reset(self) -> None:
        """Forget scripts, counts, phones and the ledger; keys stay good."""
        for standin in self.all.values():
            standin.reset()
        self.phones.clear()
        self.ledger.clear()

    async def __aenter__(self) -> Self:
        self._running.callback(self._folder.cleanup)
        try:
            for standin in self.all.values():
                await standin.start()
                self._running.push_async_callback(standin.stop)
        except BaseException:
            await self._running.aclose()
            raise
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._running.aclose()


def _write_secret(file: Path, text: str) -> str:
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")
    return str(file)
