"""The page of the policy: who gets what, and what a staged version changes."""

from __future__ import annotations

import difflib

from bot.web.pages.viewer import Facts, Viewer
from handlers.words import texts
from models.policy import versions
from models.policy.document import Policy
from models.policy.sections import AllocationRule
from models.quota.policy_effect import line_changes


def policy(viewer: Viewer) -> Facts:
    kept = viewer.session.get_one(versions.PolicyVersion, viewer.version)
    waiting = versions.staged(viewer.session)
    since = viewer.reader.moment(kept.in_force_at or kept.applied_at)
    return {
        "version": viewer.say(texts.PAGE_VERSION, version=str(viewer.version), moment=since),
        "rules": [
            {
                "match": _words(one),
                "amount": viewer.amount(one.amount),
                "reason": one.reason,
            }
            for one in viewer.policy.allocations
        ],
        "pools": [
            (one.name, viewer.amount(one.top_up_budget))
            for one in viewer.policy.teams
            if one.top_up_budget is not None
        ],
        "staged": waiting and viewer.say(
            texts.PAGE_STAGED, version=str(waiting.version),
            day=viewer.reader.calendar_day(waiting.effective) if waiting.effective else "–",
        ),
        "effect": _effect(viewer, waiting) if waiting else None,
        "difference": _difference(kept.text, waiting.text) if waiting else [],
    }  # fmt: skip


def _effect(viewer: Viewer, waiting: versions.PolicyVersion) -> Facts:
    after = versions.policy_of(waiting.version, waiting.text)
    lines = line_changes(viewer.session, viewer.policy, after)
    more, less = (
        sum(one.people for one in lines if (one.after > one.before) is gains) for gains in (True, False)
    )
    sums = [sum(getattr(one, name) * one.people for one in lines) for name in ("before", "after")]
    said = viewer.say(
        texts.PAGE_GAIN_LOSE_SAID, more=str(more), less=str(less), before=viewer.amount(sums[0]), after=viewer.amount(sums[1])
    )  # fmt: skip
    return {
        "said": said if lines else viewer.say(texts.PAGE_NOBODYS_AMOUNT),
        "lines": [
            {
                "line": _matching(viewer, after, one.rule), "people": one.people,
                "amounts": [viewer.amount(each) for each in (one.before, one.after)]
                + [viewer.amount(each * one.people) for each in (one.before, one.after)],
            }
            for one in lines
        ],
    }  # fmt: skip


def _matching(viewer: Viewer, policy: Policy, rule: int) -> str:
    if rule < 0:
        return viewer.say(texts.PAGE_NO_LINE)
    return _words(policy.allocations[rule]) or viewer.say(texts.PAGE_EVERYBODY_ELSE)


def _words(rule: AllocationRule) -> str:
    return ", ".join(f"{name}: {value}" for name, value in rule.match.items())


def _difference(before: str, after: str) -> list[tuple[str, str]]:
    """(kind, line): `gone`, `new`, `place` or `same`."""
    kinds = {"-": "gone", "+": "new", "@": "place"}
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2))[2:]
    return [(kinds.get(line[:1], "same"), line) for line in lines]
