"""The page of requests: how many wait, and how they were decided and how fast."""

from __future__ import annotations

from bot.web.pages.viewer import Facts, Viewer, lasted, named, period_of, periods_of
from handlers.words import texts
from models.reports.requests import requests_of, within


def requests(viewer: Viewer, name: str) -> Facts:
    period = period_of(viewer, name)
    if period is None:
        return {"period": None}
    teams, total = requests_of(viewer.session, viewer.policy, period, viewer.sight.shows)
    say, note = viewer.say, ""
    if total.oldest is not None:
        oldest = viewer.reader.moment(total.oldest)
        note = say(texts.PAGE_WAITING_NOTE, amount=viewer.amount(total.waiting_amount), moment=oldest)
    nine = say(texts.PAGE_MEDIAN_NOTE, time=lasted(viewer, within(total.took, 0.9))) if total.took else ""
    return {
        "period": period, "chosen": named(viewer, period), "periods": periods_of(viewer),
        "tiles": [
            (say(texts.PAGE_WAITING), str(total.waiting), note),
            (say(texts.PAGE_APPROVED), str(total.approved), viewer.amount(total.granted)),
            (say(texts.PAGE_BY_POLICY), str(total.by_policy), ""),
            (say(texts.PAGE_DECLINED), str(total.declined), ""),
            (say(texts.PAGE_ENDED), str(total.ended), ""),
            (say(texts.PAGE_MEDIAN), lasted(viewer, total.median), nine),
        ],
        "lines": [
            {
                "line": say(texts.PAGE_LINES[one.why]), "decided": one.decided, "granted": one.granted, "declined": one.declined,
                "median": lasted(viewer, within(one.took, 0.5)), "nine": lasted(viewer, within(one.took, 0.9)),
            }
            for one in total.by_line()
        ],
        "teams": [
            {
                "team": one.team or say(texts.NO_TEAM), "waiting": one.waiting, "approved": one.approved,
                "granted": viewer.amount(one.granted), "by_policy": one.by_policy, "declined": one.declined,
                "ended": one.ended, "median": lasted(viewer, one.median), "nine": lasted(viewer, within(one.took, 0.9)),
            }
            for one in teams
        ],
    }  # fmt: skip
