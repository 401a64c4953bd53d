"""The table of events, delivered: each is caused once, typed where people type it, and reaches exactly whom the table names.

One bot on one messenger in one language lives through all of them; the company is settled anew for each.
"""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import pytest
from sqlmodel import Session, col, select, update

from bot.database import Database
from bot.pace import Pace
from handlers.events import EVENTS
from models.messages.outbox import Effect
from models.quota.request import Request
from tests.company import CAST, NOW
from tests.conversation import DingTalkTalk, SlackTalk
from tests.settled import copy_file
from tests.test_events import WALK

TYPED = {  # event: who says what; {} is the CODE of the request
    "loan": ("alice", "lend @bob 20", "借给 @bob 20"),
    "recall": ("alice", "recall @bob 5", "收回 @bob 5"),
    "repayment": ("bob", "repay @alice 5", "还 @alice 5"),
    "ask to borrow": ("bob", "borrow 20 from @alice", "向 @alice 借 20"),
    "withdrawal of an ask": ("bob", "withdraw @alice", "撤回借用 @alice"),
    "request": ("bob", "request 40", "申请 40"),
    "approval": ("carol", "approve {}", "同意 {}"),
    "decline": ("carol", "decline {} not now", "拒绝 {} 下次"),
    "cancellation": ("bob", "cancel {}", "撤回 {}"),
    "revocation": ("carol", "revoke {}", "收回 {}"),
    "delegation": ("carol", "delegate @bob until 20 Nov", "委托 @bob 到11月20日"),
}
EVERYWHERE = ("slack-en", "dingtalk-zh")
"""Each messenger and each language once: the words do not know the messenger, and the messenger not the words."""
OPEN = (col(Effect.done_at).is_(None), col(Effect.parked_at).is_(None))
Told = SlackTalk | DingTalkTalk


def _due_now(session: Session) -> None:
    """What waits for a morning or a turn is due now: this is about who hears it, not about when."""
    session.execute(update(Effect).where(*OPEN, col(Effect.due_at) > NOW).values(due_at=NOW))


def _open(session: Session) -> list[str]:
    return [f"{one.key} {one.error}" for one in session.exec(select(Effect).where(*OPEN)).all()]


async def _delivered(talk: Told) -> None:
    database, worker, end = talk.env.database, talk.env.app.worker, time.monotonic() + 20
    # the ids of effects come again after `copy_file`, so nothing of the last event may be held any more
    while (left := database.transact(_open)) or worker.leases.held:
        assert time.monotonic() < end, f"still to be delivered: {left}"
        database.transact(_due_now)  # also what came too early and is tried again
        worker.pace = Pace(worker.pace.clock)  # the clock stands still, so nobody's turn would come
        worker.wake()
        await asyncio.sleep(0.005)


async def _happen(talk: Told, name: str, language: str) -> str:
    """Cause the event; who reads an answer to it because they typed it."""
    if name not in TYPED:
        WALK[name][1](talk.env.database)
        return ""
    who, english, chinese = TYPED[name]
    words = chinese if language == "zh" else english
    if "{}" in words:
        words = words.format(
            talk.env.database.transact(lambda session: session.exec(select(Request.code)).one())
        )
    await talk.say(who, words)
    return who


async def _hears(talk: Told, name: str, language: str) -> tuple[list[str], list[str]]:
    """Who heard of it, sorted, and what they read; without the answer to whoever typed it."""
    WALK[name][0](talk.env.database)
    await _delivered(talk)
    before = {one: len(talk.heard(one)) for one in CAST}
    actor = await _happen(talk, name, language)
    await _delivered(talk)
    new = {one: talk.heard(one)[number:] for one, number in before.items()}
    if actor:
        assert len(new.pop(actor)) == 1
    if name == "escalation":  # the reminder of the steps before it
        new.pop("carol")
    return sorted(one for one, said in new.items() for _ in said), [
        text for said in new.values() for text in said
    ]


@pytest.mark.parametrize("talk", EVERYWHERE, indirect=True)
async def test_every_event_reaches_whom_the_table_names_once_and_nobody_else(
    talk: Told, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    language = request.node.callspec.params["talk"].partition("-")[2]
    database: Database = talk.env.database
    live, kept = Path(str(database.engine.url.database)), tmp_path / "kept.db"
    await _delivered(talk)
    copy_file(live, kept)
    wrong = {}
    for name, event in EVENTS.items():
        copy_file(kept, live)
        parts = [WALK[name][2][who] for who in event.hears]
        named = {one for part in parts for one in ((part,) if isinstance(part, str) else part)} - (
            {"carol"} if name == "escalation" else set()
        )
        hearers, texts = await _hears(talk, name, language)
        spoken = all(bool(re.search("[\u4e00-\u9fff]", text)) == (language == "zh") for text in texts)
        if hearers != sorted(named) or not spoken:
            wrong[name] = (hearers, texts)
    assert wrong == {}
