"""Counters and histograms of requests and promised work, for `/metrics`.

No label names a person, a team or an amount. docs/metrics.md lists the names; dashboards and alert rules of
deploy/ rely on them.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from handlers.command import Command

# Slack wants its acknowledgement within 3 s, so 3 is a bound.
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """One per process, with a registry of its own, so that several apps can live in one process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock, self.registry = clock, CollectorRegistry()
        self._children: dict[tuple[Any, tuple[str, ...]], Any] = {}
        self.requests = self._counter("quotabot_requests", "requests by outcome", ["messenger", "outcome"])
        self.refusals = self._counter("quotabot_refusals", "refused requests by kind", ["kind"])
        self.sentences = self._counter(
            "quotabot_sentences", "typed sentences by what was read, and how surely", ["intent", "sureness"]
        )
        self.acknowledged = self._histogram(
            "quotabot_acknowledgement_seconds", "from a request to its acknowledgement", ["messenger"]
        )
        self.answered = self._histogram(
            "quotabot_delivery_seconds", "from the moment an effect is due to its arrival", ["kind"]
        )
        self.effects = self._counter("quotabot_effects", "effects by outcome", ["kind", "outcome"])
        self._due = Gauge("quotabot_effects_due", "effects due and not done", registry=self.registry)
        self._oldest = Gauge(
            "quotabot_effects_oldest_seconds", "age of the oldest due effect", registry=self.registry
        )

    def _counter(self, name: str, text: str, labels: list[str]) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, labels: list[str]) -> Histogram:
        return Histogram(name, text, labels, registry=self.registry, buckets=SECONDS)

    @contextlib.contextmanager
    def acknowledging(self, messenger: str, command: Command) -> Iterator[None]:
        """Counts a sentence by its reading, and times what a request takes until its answer can be given."""
        if command.text:
            self._of(self.sentences, command.intent, command.confidence).inc()
        began = self.clock()
        try:
            yield
        finally:
            self._of(self.acknowledged, messenger).observe(self.clock() - began)

    def answer(self, messenger: str, outcome: str, refusal: Exception | None = None) -> None:
        """`outcome`: answered, refused, unknown or broken."""
        self._of(self.requests, messenger, outcome).inc()
        if refusal is not None:
            self.refusals.labels(type(refusal).__name__).inc()

    def _of(self, metric: Any, *labels: str) -> Any:
        # `labels` takes as long as the rest of the counting.
        if (metric, labels) not in self._children:
            self._children[metric, labels] = metric.labels(*labels)
        return self._children[metric, labels]

    def effect(self, kind: str, outcome: str, seconds: float | None = None) -> None:
        """`outcome`: done, again or parked; `seconds` since it was due, when it is done."""
        self._of(self.effects, kind, outcome).inc()
        if seconds is not None:
            self._of(self.answered, kind).observe(max(0.0, seconds))

    def gauges(self, figures: Iterable[tuple[str, str, Callable[[], float]]]) -> None:
        """Name, help, and how to read it."""
        for name, text, read in figures:
            Gauge(name, text, registry=self.registry).set_function(read)

    async def page(self, backlog: Callable[[], Awaitable[tuple[int, float]]]) -> bytes:
        """All of it in the text format of Prometheus."""
        await self._look(backlog)
        return generate_latest(self.registry)

    async def _look(self, backlog: Callable[[], Awaitable[tuple[int, float]]]) -> None:
        """Read how many effects are due, and the age of the oldest in seconds."""
        due, oldest = float("nan"), float("nan")  # while the database is away: 0 would say that all is well
        with contextlib.suppress(Exception):
            due, oldest = await backlog()
        self._due.set(due)
        self._oldest.set(oldest)
