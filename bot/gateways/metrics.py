"""Figures of the gateway loops: age of the last reading, errors, limits that differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from bot.gateways.reconcile import Reconciler


def facts(loops: Sequence[Reconciler]) -> dict[str, Any]:
    """For `/readyz`. None of them makes it fail: chat works without the gateway. Several are told apart by name."""
    found = {
        "gateway_mode": "enforce" if any(one.leader.enforce for one in loops) else "observe",
        "gateway_age_seconds": _oldest(loops),
        "gateway_errors": sum(one.errors for one in loops),
        "gateway_pending": sum(one.writer.waiting for one in loops),
        "gateway_edited": sum(one.edited for one in loops),
    }
    return found | ({"gateways": {one.name: facts([one]) for one in loops}} if len(loops) > 1 else {})


def figures(loops: Sequence[Reconciler]) -> Iterable[tuple[str, str, Callable[[], float]]]:
    """For `/metrics`: name, help, and a function that reads the figure: of several gateways the worst, or the sum."""

    def whole(figure: Callable[[Reconciler], float]) -> Callable[[], float]:
        return lambda: float(sum(map(figure, loops)))

    return (
        ("quotabot_gateway_age_seconds", "age of the last whole reading", lambda: _oldest(loops) or 0.0),
        (
            "quotabot_gateway_leader",
            "1 where this replica drives the gateway",
            lambda: float(all(one.leader.leads for one in loops)),
        ),
        (
            "quotabot_gateway_round_seconds",
            "how long the last reading took",
            lambda: max(one.took for one in loops),
        ),
        ("quotabot_gateway_errors", "calls that failed", whole(lambda one: one.errors)),
        ("quotabot_gateway_writes", "limits written", whole(lambda one: one.writer.writes)),
        ("quotabot_gateway_pending", "limits that wait to be written", whole(lambda one: one.writer.waiting)),
        ("quotabot_gateway_edited", "limits that somebody changed by hand", whole(lambda one: one.edited)),
        ("quotabot_gateway_strangers", "accounts that belong to nobody", whole(lambda one: one.unlinked)),
    )


def _oldest(loops: Sequence[Reconciler]) -> float | None:
    """Seconds since the reading began that is oldest; None while one was never read."""
    ages = [_age(one) for one in loops]
    return None if None in ages else max(one for one in ages if one is not None)


def _age(loop: Reconciler) -> float | None:
    """Seconds since the last complete reading began."""
    last = loop.leader.read_at
    return round((loop.clock() - last).total_seconds(), 1) if last is not None else None
