"""Use it or lend it: who hears before the end what will expire, and that it is said once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.database import Database
from handlers import giving
from handlers.clock.unused import warn_of_unused
from models.refusal import WrongUsage
from tests.actions import DECEMBER, change, ctx, say, spend, told
from tests.company import CAST

DAY = timedelta(days=1)
SIXTH, FOURTH = DECEMBER - 6 * DAY, DECEMBER - 4 * DAY


def warn(company: Database, now: object) -> None:
    while company.transact(lambda session: warn_of_unused(ctx(session, now))):  # type: ignore[arg-type]
        pass


def heard(company: Database, name: str) -> list[str]:
    return [one.text for one in told(company, name)]


def test_who_will_lose_much_hears_it_once_with_what_can_be_done(company: Database) -> None:
    spend(company, "pia", 480)
    warn(company, SIXTH)
    assert not any(heard(company, name) for name in CAST)
    for _ in range(2):
        warn(company, FOURTH)
    (said,) = told(company, "quinn")
    assert (
        "about **$500.00** of your own quota is left on 30 Nov, and expires then. Nothing carries over."
        in said.text
    )
    assert [one.action for one in said.buttons] == ["needs.open", "lend.open", "give.team"]
    assert heard(company, "pia") == heard(company, "dan") == []
    assert [one.action for one in told(company, "alice")[0].buttons] == ["needs.open", "lend.open"]
    assert "约有 **$100.00** 用不完" in heard(company, "bob")[0]


def test_what_carries_over_and_what_the_pace_uses_up_is_left_out(company: Database) -> None:
    change(company, more="carry_over: {share: 0.5, cap: 30}\n")
    spend(company, "eve", 20, FOURTH - DAY)  # 2.85 a day: some 11 more until the end
    spend(company, "max", 65, FOURTH - DAY)  # that pace uses up the rest
    warn(company, FOURTH)
    assert heard(company, "max") == []
    assert "**$38.60**" in heard(company, "eve")[0]
    assert "Another $30.00 carries over." in heard(company, "alice")[0]
    assert "**$70.00**" in heard(company, "alice")[0]


def test_an_old_button_gives_nothing_that_does_not_expire(company: Database) -> None:
    spend(company, "pia", 480)
    with pytest.raises(WrongUsage):
        say(company, giving.give_what_expires, "pia", now=FOURTH)


def test_nothing_is_promised_where_lending_is_off(company: Database) -> None:
    change(company, more="lending: {enabled: false}\n")
    warn(company, FOURTH)
    assert told(company, "alice")[0].buttons == ()
