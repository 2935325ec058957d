"""The environment, read once into one frozen value; no other module reads it.

Every setting starts with `GTR_`. One that is unset is None or its default here; what only one
provider needs is checked when that provider is put together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError

from gtr_jobs.credential_settings import AppCredentials, AppName
from gtr_jobs.domain.errors import ConfigurationError, UsageError
from gtr_jobs.domain.push import DEFAULT_APP
from gtr_jobs.domain.span import parse_rate
from gtr_jobs.message_settings import MessageSettings
from gtr_jobs.webhook_settings import WebhookSettings

_HTTPS_ORIGIN = re.compile(
    r"https://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?P<port>\d{1,5}))?/?", re.ASCII | re.IGNORECASE
)

MOST_PROCESSES = 256

LogFormat = Literal["auto", "json", "console"]
LogLevel = Literal["debug", "info", "warning", "error"]


def _require_https(url: str) -> str:
    match = _HTTPS_ORIGIN.fullmatch(url)
    if match is None or int(match["port"] or 443) > 65_535:
        raise ValueError("must be https://host or https://host:port")
    return url.rstrip("/")


def _require_rate(text: str) -> str:
    try:
        if text != "off":
            parse_rate(text)
    except UsageError:
        raise ValueError("must be a rate as 9500/s or 300/m, at most 100000/s; or off") from None
    return text


Rate = Annotated[str, AfterValidator(_require_rate)]
HttpsUrl = Annotated[str, AfterValidator(_require_https)]


class Settings(MessageSettings, WebhookSettings, BaseSettings):
    """What an operator decides, from the environment and from `.env` in the working directory."""

    model_config = SettingsConfigDict(
        defer_build=False,
        env_prefix="GTR_",
        env_nested_delimiter="__",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    database_url: SecretStr | None = Field(
        None,
        description="Where the worker works: PostgreSQL connection string of the role gtr_worker. "
        "Direct connection or session pooler (port 5432).",
    )
    listen_database_url: SecretStr | None = Field(
        None,
        description="Where the worker listens for new jobs, where GTR_DATABASE_URL is a transaction "
        "pooler: direct connection or session pooler of the same database, role gtr_worker.",
    )
    pool_mode: Literal["auto", "session", "transaction"] = Field(
        "auto",
        description="What GTR_DATABASE_URL leads through: auto takes port 6543 for a transaction "
        "pooler and tries any other; session tries 6543 too; transaction prepares nothing.",
    )
    state_file: Path | None = Field(
        None,
        description="File in which the worker remembers how far the database was, so that it "
        "notices after a start of its own that an older copy was put back. One a database.",
    )
    admin_database_url: SecretStr | None = Field(
        None,
        description="Where `gtr-jobs db` installs, and where `dead`, `jobs` and `queues` look and "
        "act: connection string of the project's role postgres. Not for the worker.",
    )
    project: str | None = Field(
        None,
        description="Name of this project; a database that says it is another one is refused.",
    )
    environment: str | None = Field(
        None,
        description="Such as production or staging; a database that says it is another one is refused.",
    )

    queues: str = Field(
        "push,match,receipts,maintenance",
        description="The queues that the worker drains, separated by commas; unless set, sms and email "
        "too where they are turned on, and those of GTR_APP.",
    )
    concurrency: int = Field(
        500, ge=1, le=10_000, description="How many jobs of a queue may run at once."
    )
    processes: Annotated[int, Field(ge=1, le=MOST_PROCESSES)] | Literal["auto"] = Field(
        1,
        description="How many processes a worker runs, 1 to 256, or auto: one for each core that it "
        "may use. Each has its own connections to the database and its own GTR_CONCURRENCY.",
    )
    shutdown_grace_seconds: float = Field(
        25.0,
        ge=0,
        le=600,
        description="How long running work may go on after SIGTERM before it is handed back.",
    )
    keep_deliveries_days: int = Field(
        90,
        ge=30,
        le=3650,
        description="How many days of the ledger of deliveries are kept; at least 30, longer than any "
        "message lives.",
    )
    keep_history_days: int = Field(
        30,
        ge=1,
        le=3650,
        description="How many days of jobs that ended, and of rows that were not enqueued, are kept.",
    )

    log_format: LogFormat = Field(
        "auto", description="json, console, or auto: console on a terminal and json elsewhere."
    )
    log_level: LogLevel = Field("info", description="The least that is logged.")
    http_host: str = Field(
        "127.0.0.1",
        description="Address of /healthz, /readyz and /metrics. They are open to whoever reaches "
        "it: keep it on loopback or a private network.",
    )
    http_port: int = Field(
        9464,
        ge=0,
        le=65_535,
        description="Port of /healthz, /readyz and /metrics; 0 takes a free one.",
    )

    app: str | None = Field(
        None,
        description="An app of your own with its kinds, queues and SQL, as module:attribute; looked "
        "for in the working directory and among what is installed.",
    )
    deep_link_scheme: str = Field(
        "gtr-marketplace",
        pattern=r"^[a-z][a-z0-9+.-]*$",
        description="Scheme of the app's deep links.",
    )
    message_notifications: bool = Field(
        False,
        description="Whether a chat message is also written into the app's list of notifications; "
        "the same for all workers of a database.",
    )

    fcm_credentials_file: Path | None = Field(
        None, description="Firebase service account key (JSON file). Turns FCM on."
    )
    fcm_credentials_json: SecretStr | None = Field(
        None, description="The same key inline, where there is no file."
    )
    fcm_rate: Rate = Field(
        "9500/s",
        description="How fast all workers together ask FCM, growing over 60 s after an idle time, where "
        "`gtr-jobs switches rate` says nothing; or off. FCM takes 600,000 a minute a project.",
    )
    apns_key_file: Path | None = Field(
        None, description="APNs signing key (.p8 file). Turns APNs on."
    )
    apns_key: SecretStr | None = Field(
        None, description="The same key inline, where there is no file."
    )
    apns_key_id: str | None = Field(None, description="The signing key's id, ten signs.")
    apns_team_id: str | None = Field(None, description="The Apple team's id, ten signs.")
    apns_topic: str | None = Field(None, description="The app's bundle id.")
    apns_environment: Literal["production", "sandbox"] = Field(
        "production",
        description="Which of Apple's hosts is asked first for tokens of which it is not known.",
    )
    expo: bool = Field(True, description="Whether Expo tokens are served; Expo needs no key.")
    expo_access_token: SecretStr | None = Field(
        None, description="Expo's access token, where the project has enhanced security on."
    )

    expo_rate: Rate = Field(
        "570/s",
        description="The same for Expo, which takes 600 notifications a second a project; it grows at "
        "once.",
    )

    apps: dict[AppName, AppCredentials] = Field(
        {}, description="Apps beside the one above, each by GTR_APPS__NAME__... with its own name."
    )
    expo_receipts_after_seconds: float = Field(
        900.0,
        ge=1,
        le=36_000,
        description="How long after a push Expo is asked what became of it, and how long until it is "
        "asked again; Expo says 15 minutes.",
    )

    fcm_url: HttpsUrl = Field(
        "https://fcm.googleapis.com", description="FCM, or a stand-in for it."
    )
    apns_url: HttpsUrl | None = Field(
        None, description="APNs, or a stand-in for it; unset: Apple's host for the environment."
    )
    apns_other_url: HttpsUrl | None = Field(
        None,
        description="Apple's other host, or a stand-in for it; unset: Apple's, and none where "
        "GTR_APNS_URL is set.",
    )
    expo_url: HttpsUrl = Field(
        "https://exp.host", description="Expo's push service, or a stand-in."
    )
    proxy: SecretStr | None = Field(
        None,
        description="HTTP proxy through which providers are reached (CONNECT), as "
        "http://host:port or http://name:password@host:port; unset: none, whatever HTTPS_PROXY says.",
    )
    ca_file: Path | None = Field(
        None,
        description="Certificate authority (PEM) to trust beside the usual ones, for stand-ins.",
    )

    def queue_names(self, others: Iterable[str] = ()) -> tuple[str, ...]:
        """Give the queues to drain, in the order in which they are named, each once.

        Args:
            others: What is drained too, where no queues are named.
        """
        if "queues" not in self.model_fields_set:
            return (*self._split_queues(), *self.message_queues(), *others)
        return self._split_queues()

    def credentials(self) -> dict[str, AppCredentials]:
        """Give the credentials of every app by its name, those of the app named default first."""
        own = {name: getattr(self, name) for name in AppCredentials.model_fields}
        return {DEFAULT_APP: AppCredentials.model_construct(**own), **self.apps}

    def _split_queues(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name.strip() for name in self.queues.split(",") if name.strip()))


def read_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        ConfigurationError: A value is not what its setting takes; names the setting, not the value.
    """
    try:
        return Settings()
    except SettingsError:
        # The only setting that could be written as JSON, and is not meant to be.
        raise ConfigurationError(
            "GTR_APPS: not a setting by itself", "name each one: GTR_APPS__DEALER__APNS_TOPIC"
        ) from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = [str(part) for part in first["loc"] if part != "[key]"]
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise ConfigurationError(
            f"{_name_of(where)}: {first['msg'].lower()}{more}", _describe(where)
        ) from None


def _name_of(where: list[str]) -> str:
    """Name the setting that pydantic points at."""
    return "GTR_" + "__".join(where[:3] if where[0] == "apps" else where[:1]).upper()


def _describe(where: list[str]) -> str:
    if where[0] == "apps" and len(where) > 2:
        its = AppCredentials.model_fields.get(where[2])
        known = ", ".join(name.upper() for name in AppCredentials.model_fields)
        return (its.description or "") if its is not None else f"an app has {known}"
    field = Settings.model_fields.get(where[0])
    return (field.description or "") if field is not None else ""
