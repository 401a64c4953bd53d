"""One yes to several requests: each in a transaction of its own, in order, once, also when it is done again."""

from __future__ import annotations

from functools import partial

from sqlmodel import Session, select

from bot.bulk import decide_all
from bot.database import Database
from bot.dispatch import Dispatcher
from handlers import deciding
from models.messages.outbox import Effect
from models.quota.grant import top_up
from models.quota.period import Period
from models.quota.pool import pool_of
from tests.actions import DECEMBER, USD, available, cause, pool, request, say, sound, told
from tests.actions import ask_for as ask
from tests.company import NOW, who


async def test_each_is_decided_as_by_a_click_as_far_as_the_pool_goes(company: Database) -> None:
    pias, quinns = ask(company, "pia", 400), ask(company, "quinn", 450)
    olgas = ask(company, "lee", 300)  # not Lee's to decide
    say(company, deciding.approve_all, "lee", f"{pias},{quinns},{olgas}")
    (effect,) = company.transact(
        lambda session: session.exec(select(Effect).where(Effect.kind == "decide")).all()
    )
    assert effect.payload["codes"] == [pias, quinns]
    dispatcher = Dispatcher(company, lambda: NOW)
    decide = partial(decide_all, dispatcher.handle, company, lambda: NOW)
    for _ in range(2):  # the second time as after a crash
        await decide(effect)
    assert (available(company, "pia"), available(company, "quinn"), pool(company)) == (900, 950, 150)
    assert [
        sum("同意" in one.text or "approved" in one.text for one in told(company, name))
        for name in ("pia", "quinn")
    ] == [1, 1]
    results = [one for one in told(company, "lee") if one.title == "已同意 2 / 2 条"]
    assert len(results) == 1
    assert [line[:2] for line in results[0].text.splitlines()] == ["✅ ", "✅ "]
    sound(company)


async def test_what_the_pool_cannot_pay_any_more_is_refused_with_why_and_the_rest_stands(
    company: Database,
) -> None:
    pias, quinns = ask(company, "pia", 450), ask(company, "quinn", 460)
    say(company, deciding.approve_all, "lee", "")
    maxs = ask(company, "max", 50)
    effect = company.transact(
        lambda session: session.exec(select(Effect).where(Effect.kind == "decide")).one()
    )

    def drain(session: Session) -> None:
        account = pool_of(session, "payments", Period.current(session).id)
        assert account is not None
        top_up(session, who(session, "lee").id, 500 * USD, source=account.id, ends_at=DECEMBER, cause=cause())

    company.transact(drain)
    await decide_all(Dispatcher(company, lambda: NOW).handle, company, lambda: NOW, effect)
    assert (request(company, pias).state, request(company, quinns).state) == ("applied", "pending")
    assert request(company, maxs).state == "pending"
    (result,) = [one for one in told(company, "lee") if one.title == "已同意 1 / 2 条"]
    granted, refused = result.text.splitlines()
    assert granted.startswith(f"✅ {pias}: ")
    assert refused.startswith(f"⚠️ {quinns}: ")
    assert "$50.00" in refused
    sound(company)
