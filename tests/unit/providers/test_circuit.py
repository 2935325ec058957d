"""Whether an account is asked at all."""

from __future__ import annotations

from gtr_jobs.providers.circuit import Circuit, CircuitTimes


def _fail(circuit: Circuit, *moments: float) -> list[bool]:
    return [circuit.fail(moment, is_probe=False) for moment in moments]


def _open_circuit() -> Circuit:
    circuit = Circuit(CircuitTimes())
    _fail(circuit, *range(20))
    return circuit


def test_twenty_failures_in_a_row_within_thirty_seconds_open_it() -> None:
    """The twentieth says so, once."""
    circuit = Circuit(CircuitTimes())
    assert _fail(circuit, *range(20)) == [False] * 19 + [True]
    assert (circuit.state, circuit.lets_through()) == ("open", False)


def test_slower_failures_do_not() -> None:
    """Twenty in forty seconds leave it closed."""
    circuit = Circuit(CircuitTimes())
    assert not any(_fail(circuit, *(2.0 * number for number in range(30))))
    assert circuit.state == "closed"


def test_one_answer_as_it_should_be_begins_the_count_anew() -> None:
    """A provider that takes some of what it is sent is asked on."""
    circuit = Circuit(CircuitTimes())
    _fail(circuit, *[1.0] * 19)
    circuit.succeed(is_probe=False)
    assert not any(_fail(circuit, *[2.0] * 19))
    assert circuit.state == "closed"


def test_a_single_probe_finds_out_every_ten_seconds() -> None:
    """Only who was given the right to it, and only one."""
    circuit = _open_circuit()
    assert (circuit.is_probe_due(28.9), circuit.is_probe_due(29.0)) == (False, True)
    circuit.may_probe = True
    assert [circuit.lets_through() for _ in range(3)] == [True, False, False]
    assert circuit.state == "probing"
    assert circuit.fail(30.0, is_probe=True)
    assert (circuit.is_probe_due(39.9), circuit.is_probe_due(40.0)) == (False, True)


def test_it_closes_when_its_probe_comes_well_and_not_for_who_was_under_way_before() -> None:
    """What was sent before it opened says nothing of now."""
    circuit = _open_circuit()
    assert not circuit.succeed(is_probe=False)
    circuit.may_probe = True
    circuit.lets_through()
    assert circuit.succeed(is_probe=True)
    assert (circuit.state, circuit.lets_through()) == ("closed", True)


def test_a_probe_that_came_to_nothing_gives_its_right_back() -> None:
    """Whoever comes next takes it."""
    circuit = _open_circuit()
    circuit.may_probe = True
    circuit.lets_through()
    circuit.give_up_probe()
    assert circuit.lets_through()


def test_wrong_settings_open_it_at_once_for_a_minute() -> None:
    """And say so once an episode."""
    circuit = Circuit(CircuitTimes())
    assert [circuit.find_misconfigured(0.0), circuit.find_misconfigured(1.0)] == [True, False]
    assert (circuit.state, circuit.reason) == ("open", "misconfigured")
    assert (circuit.is_probe_due(60.9), circuit.is_probe_due(61.0)) == (False, True)
