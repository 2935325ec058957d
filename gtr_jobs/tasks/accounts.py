"""Providers' accounts that are paused or fail: their pushes wait, the other workers are told, and so are operators."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from gtr_jobs.domain.outcome import Held, Outcome
from gtr_jobs.engine.levers import Levers
from gtr_jobs.kinds.base import Kind
from gtr_jobs.observe import events
from gtr_jobs.observe.logs import Logger
from gtr_jobs.observe.metrics import Metrics
from gtr_jobs.providers.base import Provider
from gtr_jobs.providers.pressure import News, Pressure, tell_nobody
from gtr_jobs.tasks.easing import count_tokens
from gtr_jobs.tasks.holding import Sending, hold_all, let_through

# A worker that dies with its circuit open must not keep the others from the account for long.
_WITHOUT_PROBE_SECONDS = 30.0
# Whoever was not given the right to a probe asks again after this.
_ASK_AGAIN_SECONDS = 1.0
# Pauses that follow each other sooner are one episode, and one line of the log.
_EPISODE_SECONDS = 60.0
_STATES = {"closed": 0, "open": 1, "probing": 2}


class UnderPressure(Protocol):
    """Whoever has an account that can be paused, and fail."""

    @property
    def name(self) -> str:
        """What operators call the provider."""

    @property
    def pressure(self) -> Pressure:
        """How much its account takes now."""


class Accounts:
    """What trouble of providers' accounts means for pushes.

    Args:
        providers: All of them.
        kinds: Every kind that is pushed, by name.
        levers: What operators switched, and what all workers know of accounts.
    """

    def __init__(
        self,
        providers: Iterable[UnderPressure],
        kinds: Mapping[str, Kind[Any]],
        levers: Levers,
        log: Logger,
        metrics: Metrics,
    ) -> None:
        self._levers = levers
        self._kinds = kinds
        self._pauses = levers.provider_pauses
        self._log = log
        self._metrics = metrics
        self._providers = list(providers)
        self._throttled_at: dict[str, float] = {}
        for provider in self._providers:
            self._measure(provider)
        self._pauses.when_heard(self._hear)

    async def let_through(
        self, queue: str, provider: Provider, sendings: Sequence[Sending]
    ) -> Sequence[Sending]:
        """Give the pushes that operators and the account let through now; hold the others."""
        sendings = await let_through(self._levers, queue, provider.name, sendings)
        if not sendings or (held := await self.why_not(provider)) is None:
            return sendings
        await self._hold(provider, sendings, held)
        return ()

    async def why_not(self, provider: UnderPressure) -> Held | None:
        """Say why an account is not asked now, if so; take the right to try it where it is time for that."""
        pressure = self._pressure_of(provider)
        if pressure.circuit.is_probe_due(time.monotonic()):
            await self._take_probe(pressure)
        return pressure.why_not()

    def count_tokens(self, provider: Provider, sendings: Sequence[Sending]) -> int:
        """Say how many tokens of the account's rate pushes take."""
        if not self._levers.has_published_rate(provider.name):
            return len(sendings)
        return count_tokens(sendings, self._kinds, datetime.now(UTC))

    async def hold_unasked(
        self, provider: Provider, answered: Sequence[tuple[Sending, Outcome]]
    ) -> list[tuple[Sending, Outcome]]:
        """Hold the pushes that the account was not asked to take; give the others."""
        unasked = [(sending, held) for sending, held in answered if isinstance(held, Held)]
        if not unasked:
            return list(answered)
        await self._hold(provider, [sending for sending, _ in unasked], unasked[0][1])
        return [one for one in answered if not isinstance(one[1], Held)]

    async def _hold(self, provider: Provider, sendings: Sequence[Sending], held: Held) -> None:
        """Leave pushes for later that the account was not asked to take.

        They wait for the end of the pause, and one of them for the next probe, where this worker is the one that probes.
        """
        if not sendings:
            return
        if held.code == "busy":
            hold_all(sendings, held.code, held.retry_after)
            return
        await self._pauses.told()
        is_probed_here = held.code == "circuit_open" and provider.pressure.circuit.state != "closed"
        scout = sendings[0][0] if is_probed_here else None
        waiting = [sending for sending in sendings if sending[0] is not scout]
        probing = [sending for sending in sendings if sending[0] is scout]
        hold_all(probing, held.code, held.retry_after)
        if waiting:
            jobs = {envelope.job.job_id: envelope.job for envelope, _, _ in waiting}
            account = provider.pressure.account
            seconds = await self._levers.hold("provider", account, list(jobs.values()))
            hold_all(waiting, held.code, seconds)

    async def _take_probe(self, pressure: Pressure) -> None:
        circuit = pressure.circuit
        after = circuit.probe_seconds
        if await self._pauses.take_probe(pressure.account, circuit.reason, after):
            circuit.may_probe = circuit.state == "open"
        else:
            circuit.probe_at = time.monotonic() + _ASK_AGAIN_SECONDS

    def _hear(self, pauses: Mapping[tuple[str, str], float]) -> None:
        for provider in self._providers:
            pressure = self._pressure_of(provider)
            account = pressure.account
            if seconds := pauses.get((account, "throttled")):
                pressure.pause(seconds)
            reasons = ("failing", "misconfigured")
            pressure.hear_elsewhere(max(pauses.get((account, reason), 0.0) for reason in reasons))

    def _pressure_of(self, provider: UnderPressure) -> Pressure:
        """Give a provider's pressure, and listen to it: new credentials come with a new one."""
        pressure = provider.pressure
        if pressure.listener is tell_nobody:
            pressure.listener = lambda news: self._take_in(pressure, news)
        return pressure

    def _measure(self, provider: UnderPressure) -> None:
        account, metrics = self._pressure_of(provider).account, self._metrics
        metrics.provider_in_flight.labels(account).set_function(lambda: provider.pressure.in_flight)
        metrics.provider_limit.labels(account).set_function(lambda: provider.pressure.window.limit)
        metrics.provider_circuit.labels(account).set_function(
            lambda: _STATES[provider.pressure.circuit.state]
        )
        metrics.provider_throttled.labels(account)

    def _take_in(self, pressure: Pressure, news: News) -> None:
        account = pressure.account
        match news.what:
            case "throttled":
                self._metrics.provider_throttled.labels(account).inc(news.seconds)
                held = pressure.why_not()
                seconds = held.retry_after if held is not None else news.seconds
                self._pauses.pause(account, "throttled", seconds)
                self._tell_throttled(account, seconds, news.code)
            case "opened" | "still_open":
                lease = news.seconds + _WITHOUT_PROBE_SECONDS
                self._pauses.pause(account, news.reason, lease, news.seconds)
                if news.what == "opened":
                    self._log.warning(
                        events.CIRCUIT_OPENED,
                        provider=account,
                        reason=news.reason,
                        code=news.code,
                        probe_in_seconds=round(news.seconds, 1),
                    )
            case "closed":
                self._pauses.resume(account)
                self._log.info(
                    events.CIRCUIT_CLOSED,
                    provider=account,
                    reason=news.reason,
                    seconds_open=round(news.seconds, 1),
                )

    def _tell_throttled(self, account: str, seconds: float, code: str) -> None:
        now = time.monotonic()
        is_new = now - self._throttled_at.get(account, float("-inf")) > _EPISODE_SECONDS
        self._throttled_at[account] = now + seconds
        if is_new:
            self._log.warning(
                events.PROVIDER_THROTTLED, provider=account, seconds=round(seconds, 1), code=code
            )
