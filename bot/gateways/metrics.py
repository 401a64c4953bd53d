"""Figures of the gateway loop: age of the last reading, errors, limits that differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from bot.gateways.reconcile import Reconciler


def facts(loop: Reconciler) -> dict[str, Any]:
    """For `/readyz`. None of them makes it fail: chat works without the gateway."""
    return {
        "gateway_mode": "enforce" if loop.leader.enforce else "observe",
        "gateway_age_seconds": _age(loop),
        "gateway_errors": loop.errors,
        "gateway_pending": loop.writer.waiting,
        "gateway_edited": loop.edited,
    }


def figures(loop: Reconciler) -> Iterable[tuple[str, str, Callable[[], float]]]:
    """For `/metrics`: name, help, and a function that reads the figure."""
    return (
        ("quotabot_gateway_age_seconds", "age of the last whole reading", lambda: _age(loop) or 0.0),
        (
            "quotabot_gateway_leader",
            "1 where this replica drives the gateway",
            lambda: float(loop.leader.leads),
        ),
        ("quotabot_gateway_round_seconds", "how long the last reading took", lambda: loop.took),
        ("quotabot_gateway_errors", "calls that failed", lambda: float(loop.errors)),
        ("quotabot_gateway_writes", "limits written", lambda: float(loop.writer.writes)),
        ("quotabot_gateway_pending", "limits that wait to be written", lambda: float(loop.writer.waiting)),
        ("quotabot_gateway_edited", "limits that somebody changed by hand", lambda: float(loop.edited)),
        ("quotabot_gateway_strangers", "accounts that belong to nobody", lambda: float(loop.unlinked)),
    )


def _age(loop: Reconciler) -> float | None:
    """Seconds since the last complete reading began."""
    last = loop.leader.read_at
    return round((loop.clock() - last).total_seconds(), 1) if last is not None else None
