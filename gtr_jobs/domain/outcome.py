"""How an attempt to send can end, and what that makes of its delivery.

    attempt ── Accepted ──────▶ sent          the provider took it
            ── Rejected ──────▶ failed        this message will never be taken
            ── DeadTarget ────▶ failed        this device is gone; forget it
            ── Throttled ─────▶ queued        the provider asks for a pause
            ── Retry ─────────▶ queued        a fault that passes
            ── Misconfigured ─▶ queued        our keys or settings are wrong
            ── Ambiguous ─────▶ unknown       it may have been taken
            ── Skipped ───────▶ skipped       nobody is to get it
            ── Expired ───────▶ expired       too old to be of use

The set is closed: whoever reads an outcome matches every case and ends with `assert_never`.
The database knows the same names (enums `gtr_jobs.outcome` and `gtr_jobs.delivery_state`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, assert_never

from gtr_jobs.domain.cost import Cost

OutcomeName = Literal[
    "accepted",
    "rejected",
    "dead_target",
    "throttled",
    "retry",
    "misconfigured",
    "ambiguous",
    "skipped",
    "expired",
]

# Apple has two hosts, and each knows the tokens of its own builds only.
ApnsEnvironment = Literal["production", "sandbox"]

# Why an address is not to be written to again, where it is known.
#     unsubscribed  its owner said STOP; until START
#     landline      it takes no text messages, and never will
#     no_sms        the same, for another reason
#     invalid       no such number or address
TargetMark = Literal["unsubscribed", "landline", "no_sms", "invalid"]

# What a wrong setting keeps from being sent: everything, or only what goes to the same country.
MisconfiguredScope = Literal["account", "country"]

DeliveryState = Literal[
    "queued",
    "sending",
    "sent",
    "delivered",
    "undelivered",
    "failed",
    "skipped",
    "expired",
    "unknown",
]


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the message: it is its to deliver now.

    Args:
        provider_id: The provider's own name for the message; never empty for a real acceptance.
        apns_environment: Which of Apple's hosts knows the device, where this attempt found it out.
        segments: In how many parts a text message goes out, where the provider says so.
        cost: What it cost, where the provider says so at once.
    """

    name: ClassVar[OutcomeName] = "accepted"
    provider_id: str
    apns_environment: ApnsEnvironment | None = None
    segments: int | None = None
    cost: Cost | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """The provider will never take this message; trying again is of no use.

    Args:
        code: The provider's code, or ours in the provider's spelling.
        detail: What a developer needs to mend it; holds no content, token or person.
    """

    name: ClassVar[OutcomeName] = "rejected"
    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class DeadTarget:
    """The device or address is gone: it is to be forgotten or marked, and nothing is sent to it again.

    Args:
        code: The provider's code.
        mark: Why, for a phone number or an e-mail address; None for a device.
    """

    name: ClassVar[OutcomeName] = "dead_target"
    code: str
    mark: TargetMark | None = None


@dataclass(frozen=True, slots=True)
class Throttled:
    """The provider asks for a pause; the message was certainly not taken.

    Args:
        code: The provider's code.
        retry_after: Seconds to wait at least, as the provider says or as its documentation does.
    """

    name: ClassVar[OutcomeName] = "throttled"
    code: str
    retry_after: float


@dataclass(frozen=True, slots=True)
class Held(Throttled):
    """Nobody was asked: the account is paused, its circuit is open, or it has enough under way.

    It is no attempt: whoever gets it puts the push off, and the ledger has no word of it.

    Args:
        code: Why, in one word of ours.
        retry_after: Seconds until it is worth trying again.
    """


@dataclass(frozen=True, slots=True)
class Retry:
    """A fault that passes; the message was not taken.

    Args:
        code: The provider's code, or what broke before anything was sent.
        retry_after: Seconds to wait at least; None leaves it to the backoff.
        in_trouble: Whether the provider fails for others too: it is not this message's fault, and
            uses none of its attempts.
    """

    name: ClassVar[OutcomeName] = "retry"
    code: str
    retry_after: float | None = None
    in_trouble: bool = False


@dataclass(frozen=True, slots=True)
class Misconfigured:
    """Keys, ids or settings of ours are wrong: nothing will be taken until an operator acts.

    Args:
        code: The provider's code.
        detail: Which setting to look at; holds no secret.
        scope: What it keeps from being sent.
    """

    name: ClassVar[OutcomeName] = "misconfigured"
    code: str
    detail: str = ""
    scope: MisconfiguredScope = "account"


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Something broke after the first byte: the provider may have taken the message.

    Args:
        code: What broke.
        in_trouble: As for Retry.
    """

    name: ClassVar[OutcomeName] = "ambiguous"
    code: str
    in_trouble: bool = False


@dataclass(frozen=True, slots=True)
class Skipped:
    """Nothing was sent, on purpose.

    Args:
        reason: Why, in one word of ours (`no_device`, `own_message`, `row_gone`).
    """

    name: ClassVar[OutcomeName] = "skipped"
    reason: str


@dataclass(frozen=True, slots=True)
class Expired:
    """The message outlived its time to live before it could be sent."""

    name: ClassVar[OutcomeName] = "expired"


Outcome = (
    Accepted
    | Rejected
    | DeadTarget
    | Throttled
    | Retry
    | Misconfigured
    | Ambiguous
    | Skipped
    | Expired
)


def delivery_state_after(outcome: Outcome) -> DeliveryState:
    """Say in which state an attempt leaves its delivery."""
    match outcome:
        case Accepted():
            return "sent"
        case Rejected() | DeadTarget():
            return "failed"
        case Throttled() | Retry() | Misconfigured():
            return "queued"
        case Ambiguous():
            return "unknown"
        case Skipped():
            return "skipped"
        case Expired():
            return "expired"
        case _:
            assert_never(outcome)


def outcome_code(outcome: Outcome) -> str:
    """Give the short code that names why an attempt ended as it did; empty where it needs none."""
    match outcome:
        case Accepted() | Expired():
            return ""
        case Skipped(reason=reason):
            return reason
        case (
            Rejected(code=code)
            | DeadTarget(code=code)
            | Throttled(code=code)
            | Retry(code=code)
            | Misconfigured(code=code)
            | Ambiguous(code=code)
        ):
            return code
        case _:
            assert_never(outcome)
