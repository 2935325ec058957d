"""What rows of the table of switches come to."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from gtr_jobs.domain.switches import Switches, SwitchRow, make_switches, ramp_place

SOMEBODY = UUID(int=1)


def _row(
    lever: str,
    scope: str,
    name: str,
    amount: str | None = None,
    *,
    per: str = "",
    queue: str | None = None,
) -> SwitchRow:
    return SwitchRow(lever, scope, name, per, None if amount is None else Decimal(amount), queue)


def test_rows_are_put_together() -> None:
    """Each lever where it is asked for; queues that are claimed with care are named."""
    switches = make_switches(
        [
            _row("pause", "queue", "sms"),
            _row("pause", "kind", "message", queue="push"),
            _row("pause", "kind", "gone"),
            _row("limit", "queue", "match", "3"),
            _row("limit", "queue", "match", "1", per="id"),
            _row("rate", "provider", "fcm", "0.5"),
            _row("ramp", "kind", "message", "2.25"),
            _row("test_user", "user", str(SOMEBODY)),
            _row("of_tomorrow", "queue", "push"),
        ]
    )
    assert switches == Switches(
        pauses=frozenset({("queue", "sms"), ("kind", "message"), ("kind", "gone")}),
        limited_queues=frozenset({"match", "push"}),
        set_aside_queues=frozenset({"push"}),
        rates={("provider", "fcm"): 0.5},
        ramps={("kind", "message"): 225},
        test_users=frozenset({SOMEBODY}),
    )
    assert switches.is_paused("queue", "sms")
    assert not switches.is_paused("kind", "sms")
    assert switches.rate("provider", "fcm") == 0.5
    assert switches.rate("channel", "fcm") is None


def test_without_switches_everything_runs() -> None:
    """And no feature is on."""
    switches = make_switches([])
    assert switches == Switches()
    assert switches.is_in_ramp("kind", "message", None)
    assert not switches.is_feature_on("new_search", SOMEBODY)


def test_a_place_never_changes() -> None:
    """Who got something yesterday gets it after an upgrade too."""
    people = [UUID(int=n) for n in (0, 1, 2**127)]
    assert [ramp_place("kind", "message", one) for one in people] == PLACES_OF_MESSAGE
    assert [ramp_place("feature", "message", one) for one in people] != PLACES_OF_MESSAGE


PLACES_OF_MESSAGE = [9911, 9816, 7398]
