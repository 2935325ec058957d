"""Sends one push now, to see whether keys, tokens and devices are as they should be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from gtr_jobs import __version__
from gtr_jobs.app.addresses import worker_database
from gtr_jobs.app.database import plan_of
from gtr_jobs.app.providers import make_providers
from gtr_jobs.db.compatibility import check_identity, check_worker
from gtr_jobs.db.connect import Database, connect_async, explain_connection_error
from gtr_jobs.db.connections import ConnectionPool
from gtr_jobs.db.devices import Devices
from gtr_jobs.db.installed import read_installed_as_worker
from gtr_jobs.db.lineage import read_pause
from gtr_jobs.db.pool import PASSING_ERRORS, open_pool
from gtr_jobs.domain.errors import ConfigurationError, StateError, UsageError
from gtr_jobs.domain.outcome import Ambiguous, ApnsEnvironment, Outcome
from gtr_jobs.domain.push import DEFAULT_APP, Message, Push, Target
from gtr_jobs.domain.tokens import TokenKind, classify_token
from gtr_jobs.observe.metrics import Metrics
from gtr_jobs.providers.base import Validator
from gtr_jobs.providers.rotating import RotatingProvider
from gtr_jobs.settings import Settings

_LIFE = timedelta(minutes=10)
_TURNS_ON: Mapping[TokenKind, str] = {
    "fcm": "set GTR_FCM_CREDENTIALS_FILE or GTR_FCM_CREDENTIALS_JSON",
    "apns": "set GTR_APNS_KEY_FILE or GTR_APNS_KEY, and GTR_APNS_KEY_ID, GTR_APNS_TEAM_ID, GTR_APNS_TOPIC",
    "expo": "set GTR_EXPO=true",
}


@dataclass(frozen=True, slots=True)
class Phone:
    """Where one push goes.

    Args:
        token: The provider's address of it; secret.
        kind: Whose token it is; None where its shape is none that is known.
        app: Which app it belongs to.
        device_id: The row of the app's table; None where only the token was given.
        apns_environment: Which of Apple's hosts knows it; None where nobody has said.
    """

    token: str = field(repr=False)
    kind: TokenKind | None
    app: str = DEFAULT_APP
    device_id: UUID | None = None
    apns_environment: ApnsEnvironment | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one push.

    Args:
        app: The app of the device.
        kind: The provider; None where no provider knows such a token.
        device_id: The row of the app's table; None where only the token was given.
        outcome: How it ended; None where nothing was asked.
        problem: Why nothing was asked.
    """

    app: str
    kind: TokenKind | None
    device_id: UUID | None
    outcome: Outcome | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a test goes to.

    Args:
        phones: Their devices.
        badge: The number on their app's icon.
        warnings: What the database was found to lack.
    """

    phones: Sequence[Phone]
    badge: int = 1
    warnings: Sequence[str] = ()


def find_token(token: str, app: str) -> Audience:
    """Take a token of an app as it is; nothing is looked up.

    Raises:
        UsageError: Its shape is that of no token. The message does not show it.
    """
    kind = classify_token(token)
    if kind is None:
        raise UsageError(
            "--token: this is no token of FCM, APNs or Expo",
            "give what the app registers, whole and without quotes",
        )
    return Audience([Phone(token, kind, app)])


async def find_user(settings: Settings, user_id: UUID) -> Audience:
    """Read the living devices of a person, as a worker would.

    Raises:
        ConfigurationError: The database is not this one's, or sending from it is paused.
        StateError: The person has no living device.
        TryAgainError: The database is away.
    """
    database = worker_database(settings)
    try:
        warnings = await _check(database, settings)
        pool = ConnectionPool(database, 1)
        await open_pool(pool, database)
        try:
            audience = await Devices(pool).read_audience([user_id])
        finally:
            await pool.close()
    except PASSING_ERRORS as error:
        raise explain_connection_error(database, error) from None
    devices = audience.devices.get(user_id, [])
    if not devices:
        raise StateError(
            "this person has no living device",
            "open the app on a phone and sign in, so that it registers; nobody with this id is the same",
        )
    phones = [
        Phone(
            device.token,
            classify_token(device.token),
            device.app,
            device.device_id,
            device.apns_environment,
        )
        for device in devices
    ]
    return Audience(phones, audience.badges.get(user_id, 0), warnings)


async def send_test(settings: Settings, audience: Audience, *, dry_run: bool) -> list[Tried]:
    """Send one push to each device, or have it checked only.

    Raises:
        ConfigurationError: A key is missing or no key, or no device has a provider.
    """
    providers = make_providers(settings, Metrics(__version__)).by_device
    try:
        wanted = {(phone.app, phone.kind) for phone in audience.phones if phone.kind is not None}
        if not wanted & providers.keys():
            known = sorted({kind for _, kind in wanted})
            apps = sorted({app for app, _ in wanted} - {DEFAULT_APP})
            raise ConfigurationError(
                f"no keys for {' or '.join(known) or 'such a token'} are set"
                + (f" for {' or '.join(apps)}" if apps else ""),
                "; ".join(_hint(app, kind) for app, kind in sorted(wanted)),
            )
        message = _make_message(settings.deep_link_scheme)
        return [
            await _try(
                providers.get((phone.app, phone.kind)) if phone.kind else None,
                phone,
                message,
                audience.badge,
                dry_run=dry_run,
            )
            for phone in audience.phones
        ]
    finally:
        for provider in providers.values():
            await provider.close()


def _hint(app: str, kind: TokenKind) -> str:
    text = _TURNS_ON[kind]
    return text if app == DEFAULT_APP else text.replace("GTR_", f"GTR_APPS__{app.upper()}__")


async def _try(
    provider: RotatingProvider | None, phone: Phone, message: Message, badge: int, *, dry_run: bool
) -> Tried:
    if phone.kind is None:
        why = "its token is none of FCM, APNs or Expo"
        return Tried(phone.app, None, phone.device_id, None, why)
    if provider is None:
        return Tried(phone.app, phone.kind, phone.device_id, None, _hint(phone.app, phone.kind))
    target = Target(
        phone.device_id or uuid4(),
        phone.token,
        phone.kind,
        datetime.now(UTC),
        phone.app,
        phone.apns_environment,
    )
    push = Push(uuid4(), message, target, badge)
    outcome: Outcome
    if not dry_run:
        outcomes = await provider.send([push])
        outcome = outcomes[0] if outcomes else Ambiguous("lost")
        return Tried(phone.app, phone.kind, phone.device_id, outcome)
    with provider.in_use() as validator:
        if isinstance(validator, Validator):
            outcome = await validator.validate(push)
            return Tried(phone.app, phone.kind, phone.device_id, outcome)
    return Tried(phone.app, phone.kind, phone.device_id, None, f"{phone.kind} has no dry run")


def _make_message(scheme: str) -> Message:
    return Message(
        title="Test push",
        body="Sent by gtr-jobs push test.",
        url=f"{scheme}://",
        thread_id="gtr-jobs-test",
        collapse_id=f"gtr-jobs-test-{uuid4()}",
        expires_at=datetime.now(UTC) + _LIFE,
        data={"kind": "push_test"},
    )


async def _check(database: Database, settings: Settings) -> tuple[str, ...]:
    connection = await connect_async(database)
    try:
        installed = await read_installed_as_worker(connection)
        warnings = (
            *check_worker(plan_of(settings), installed),
            *check_identity(installed, settings.project, settings.environment),
        )
        why = await read_pause(connection)
    finally:
        await connection.close()
    if why:
        raise ConfigurationError(
            f"sending is paused: {why}",
            "see docs/how-to/after-a-restore.md; gtr-jobs resume --acknowledge lets it go on",
        )
    return warnings
