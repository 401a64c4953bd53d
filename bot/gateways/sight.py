"""What an operator sees of the gateway: figures, its age, and what a preflight found, in words and with the fix."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from bot.gateways.port import Finding
from bot.gateways.reconcile import Reconciler

MOST_NAMED = 5

_WORDS = {
    "window_set": (
        "{who}: the gateway still sets their spend back at intervals, beside our periods. Spend stays right, but after a "
        "reset more can be used until the limit is written again."
    ),
    "team_keys": "{who}: these keys belong to a team, and a user's limit does not count on them.",
    "personal_keys": "{who}: these keys belong to no team, so a team member's limit does not count on them.",
    "key_cap": "{who}: these keys have limits of their own; the lower one wins, so a top-up may change nothing.",
    "key_windows": "{who}: these keys have limits by the hour or day, which bind besides ours.",
    "key_without_owner": "{who}: nobody owns these keys, so what they spend belongs to nobody.",
    "user_cap": "{who}: these users have limits of their own beside those of their keys; the lower one wins.",
    "shorter_limits": "{who}: limits by the day or week, which bind besides ours.",
    "team_cap": "{who}: these teams have a limit for all their members together; it binds besides ours.",
    "model_not_free": "{who}: listed in free_models, but the gateway takes money for it or refuses it at the limit. "
    "Nobody is told that it is free.",
    "key_caps_unseen": "An admin cannot see other people's tokens here: a token with a quota of its own may bind besides ours.",
    "settings_unseen": "Only root may read this gateway's settings, so they could not be checked.",
    "usage_not_logged": "Consumption is not logged, so nobody can be told which model burnt it.",
    "subscriptions_pay_first": "{who}: subscriptions pay before the wallet, so our limit does not count while one lasts.",
    "lowering_overwrites": "This gateway can lower a wallet only by overwriting it: what is used in that very moment may be "
    "given back, and is taken off in the next round.",
    "key_expires": "{who}: these keys end on a day, whatever is left on them.",
    "guardrails": "{who}: guardrails with a budget, which bind besides ours.",
    "other_workspaces": "{who}: other workspaces, whose keys are not listed and not limited.",
}


def in_words(finding: Finding) -> str:
    """A finding as a sentence for an operator, and what to do about it."""
    named = [f"{one} ({finding.facts[one]})" if one in finding.facts else one for one in finding.subjects]
    who = ", ".join(named[:MOST_NAMED])
    if len(named) > MOST_NAMED:
        who += f" and {len(named) - MOST_NAMED} more"
    said = _WORDS.get(finding.code, finding.code + ": {who}").format(who=who)
    return f"{said} Fix: {finding.fix}" if finding.fix else said


def seen(loop: Reconciler) -> dict[str, Any]:
    """For `/readyz`: lag, errors and drift. They fail nothing: chat works without the gateway."""
    return {
        "gateway_mode": "enforce" if loop.enforce else "observe",
        "gateway_age_seconds": age(loop),
        "gateway_errors": loop.errors,
        "gateway_pending": loop.waiting,
        "gateway_edited": loop.edited,
    }


def age(loop: Reconciler) -> float | None:
    """Seconds since the last whole reading was asked for."""
    last = loop.last_round
    return round((loop.clock() - last).total_seconds(), 1) if last is not None else None


def figures(loop: Reconciler) -> Iterable[tuple[str, str, Callable[[], float]]]:
    """For `/metrics`: name, help, how to read it."""
    return (
        ("quotabot_gateway_age_seconds", "age of the last whole reading", lambda: age(loop) or 0.0),
        ("quotabot_gateway_round_seconds", "how long the last reading took", lambda: loop.lag),
        ("quotabot_gateway_errors", "calls that failed", lambda: float(loop.errors)),
        ("quotabot_gateway_writes", "limits written", lambda: float(loop.writes)),
        ("quotabot_gateway_pending", "limits that wait to be written", lambda: float(loop.waiting)),
        ("quotabot_gateway_edited", "limits that somebody changed by hand", lambda: float(loop.edited)),
        ("quotabot_gateway_strangers", "accounts that belong to nobody", lambda: float(loop.strangers)),
    )
