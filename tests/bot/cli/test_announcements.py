"""`--tell`: each hears the true last word about their quota, at a pace that messengers bear, and the operator for how long."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TypeVar
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session, col, select

from bot.database import Database
from models.messages.outbox import Effect
from tests.console import POLICY, Operator

T = TypeVar("T")
PEOPLE = """\
name,email,slack_id,dingtalk_id,team,role,employment,locale,timezone
Alice,alice@corp.example,U01,,design,designer,employee,en,America/New_York
Bob,bob@corp.example,,bob,payments,engineer,employee,zh,
Carol,carol@corp.example,U03,,design,lead,employee,en,
Dan,dan@corp.example,U04,,design,designer,contractor,en,
Lee,lee@corp.example,,lee,payments,lead,employee,zh,
Ops,ops@corp.example,,,it,admin,employee,en,
"""
FREE = f"{POLICY}free_models: [hunyuan]\n"
MORE, LESS = (POLICY.replace("amount: 100", f"amount: {amount}") for amount in (120, 60))
DAY = datetime.now(ZoneInfo("Asia/Shanghai")).date() + timedelta(days=70)
SHOWN = f"{DAY.day} {DAY:%b}" + (f" {DAY.year}" if DAY.year > datetime.now().year else "")  # noqa: DTZ005


@pytest.fixture
def operator(fresh: Operator) -> Operator:
    fresh.settle(FREE, PEOPLE)
    return fresh


def inside(work: Callable[[Session], T]) -> T:
    database = Database(os.environ["DATABASE_URL"])
    try:
        return database.transact(work)
    finally:
        database.close()


def env(operator: Operator, policy: str, *words: str) -> str:
    told = () if "--tell" in words else ("--silent",)
    file = operator.file("p.yaml", policy)
    return operator.says("policy", "apply", file, "--yes", "--effective", DAY.isoformat(), *words, *told)


def unsaid(address: str = "") -> list[str]:
    """What waits to be said, to one address or to all, in its order."""
    query = select(Effect).where(col(Effect.done_at).is_(None), col(Effect.parked_at).is_(None))
    found = inside(lambda session: session.exec(query.order_by(col(Effect.due_at))).all())
    return [one.payload["message"]["text"] for one in found if address in one.payload["address"]]


def hears(address: str) -> None:
    """What waits for somebody is said."""

    def run(session: Session) -> None:
        for one in session.exec(select(Effect).where(col(Effect.parked_at).is_(None))).all():
            if one.payload["address"] == address:
                one.attempts, one.done_at = 1, datetime.now(UTC)
                session.add(one)

    inside(run)


def test_messages_leave_one_a_second_for_each_messenger_as_the_summary_says(
    operator: Operator,
) -> None:
    operator.run("grant", "--team", "design", "5", "--reason", "launch", "--tell")
    said = env(operator, LESS, "--tell")
    assert "6 messages wait to be sent by `quotabot run`, about 1 minute" in said
    assert "1 people are on no messenger" in said
    effects = inside(lambda session: session.exec(select(Effect).order_by(col(Effect.due_at))).all())
    lanes = {lane: [one for one in effects if one.lane == lane] for lane in ("slack", "dingtalk")}
    assert [len(lanes[lane]) for lane in lanes] == [5, 1], "Bob's rule stays as it is"
    for rows in lanes.values():
        gaps = {later.due_at - one.due_at for one, later in pairwise(rows)}
        assert gaps <= {timedelta(seconds=1)}


def test_a_staged_change_begins_on_the_policys_day_in_every_zone(operator: Operator) -> None:
    env(operator, LESS, "--tell")
    (to_alice,) = unsaid("slack:U01")
    assert f"From {SHOWN} your quota is $60.00 a period instead of $100.00." in to_alice
    assert "`request 200 reason` asks your manager" in to_alice
    assert f"{DAY.month}月{DAY.day}日起" in unsaid("dingtalk:lee")[0]


def test_a_person_cut_to_nothing_hears_which_models_are_free(operator: Operator) -> None:
    env(operator, FREE.replace("amount: 100", "amount: 0"), "--tell")
    assert "Free models keep working: hunyuan." in unsaid("slack:U01")[0]
    assert "免费模型可继续使用：hunyuan。" in unsaid("dingtalk:lee")[0]


def test_an_unsent_cancellation_is_withdrawn_by_the_next_change(operator: Operator) -> None:
    env(operator, LESS, "--tell")
    hears("slack:U01")
    env(operator, FREE, "--tell")
    assert "is called off" in unsaid("slack:U01")[0]
    env(operator, MORE, "--tell")
    (last,) = unsaid("slack:U01")
    assert "$120.00 a period instead of $100.00" in last


def test_a_person_told_of_a_dropped_change_hears_once_that_it_is_off(
    operator: Operator,
) -> None:
    env(operator, LESS, "--tell")
    hears("slack:U01")
    env(operator, FREE, "--tell")
    others = FREE.replace("amount: 500", "amount: 450")
    env(operator, others, "--tell")
    (last,) = unsaid("slack:U01")
    assert f"The change announced for {SHOWN} is called off: your quota stays $100.00 a period." in last
    assert unsaid("slack:U03") == [], "she never heard of it"
    hears("slack:U01")
    env(operator, others.replace("450", "440"), "--tell")
    assert unsaid("slack:U01") == []


@pytest.mark.parametrize("tell", [False, True])
def test_a_dropped_change_is_withdrawn_where_unsent_and_called_off_where_heard(
    operator: Operator, tell: bool
) -> None:
    env(operator, MORE, "--tell")
    hears("slack:U01")
    said = operator.says(
        "policy", "apply", operator.file("policy.yaml", FREE), *(["--tell"] if tell else ["--silent"])
    )
    assert ("1 had been told of a change that does not come" in said) is not tell
    assert ["is called off" in text for text in unsaid()] == [True] * tell


def test_an_announcement_that_another_policy_made_untrue_is_withdrawn(operator: Operator) -> None:
    operator.run("policy", "apply", operator.file("p.yaml", MORE), "--tell")
    assert len(unsaid()) == 3
    back = FREE.replace("role: engineer}\n    amount: 500", "role: engineer}\n    amount: 510")
    back = back.replace("  - match: {}\n", "  - match: {team: payments}\n    amount: 120\n  - match: {}\n")
    operator.run("policy", "apply", operator.file("q.yaml", back), "--yes", "--silent")
    (to_lee,) = unsaid()
    assert "$120.00" in to_lee, "that is still so for him"


def test_an_announcement_that_holds_until_a_later_change_is_sent(operator: Operator) -> None:
    operator.run("policy", "apply", operator.file("p.yaml", MORE), "--tell")
    env(operator, LESS, "--tell")
    now, then = unsaid("slack:U01")
    assert "$120.00 a period instead of $100.00" in now
    assert "$60.00 a period instead of $120.00" in then


def test_staging_that_was_killed_goes_on_with_the_same_version_and_tells_nobody_twice(
    operator: Operator,
) -> None:
    assert env(operator, MORE, "--tell").splitlines()[1:] == env(operator, MORE, "--tell").splitlines()[1:]
    assert len(unsaid()) == 3


def test_a_joiner_is_told_of_the_whole_base_not_of_the_part_they_got(operator: Operator) -> None:
    joined = f"{PEOPLE}Zoe,zoe@corp.example,U09,,design,designer,employee,en,\n"
    operator.run("people", "import", operator.file("people.csv", joined))
    operator.run("policy", "apply", operator.file("p.yaml", MORE), "--tell")
    assert "$120.00 a period instead of $100.00" in unsaid("slack:U09")[0]


def test_a_policy_that_changes_nothing_sends_no_message(operator: Operator) -> None:
    file = operator.file("policy.yaml", FREE)
    assert operator.says("policy", "apply", file, "--tell").splitlines()[1:] == ["nobody is written to"]


def test_an_apply_that_was_killed_before_it_posted_tells_nobody_twice_and_forgets_nobody(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("policy", "apply", operator.file("p.yaml", MORE), "--tell")

    def killed(*_: object) -> None:
        raise SystemExit(137)

    with monkeypatch.context() as patch:
        patch.setattr("bot.cli.policy_apply.Apply._adjust_all", killed)
        operator.run(*words, code=137)
    assert operator.show("alice")["available"] == "100"
    assert "it touched 4 of 6 people" in operator.says(*words)
    assert operator.show("alice")["available"] == "120"
    assert len(unsaid()) == 3


def test_a_person_whose_team_changed_is_told_again_of_the_same_version(operator: Operator) -> None:
    file = operator.file("p.yaml", MORE)
    operator.run("policy", "apply", file, "--tell")
    moved = PEOPLE.replace(
        "Lee,lee@corp.example,,lee,payments,lead", "Lee,lee@corp.example,,lee,payments,engineer"
    )
    operator.run("people", "import", operator.file("people.csv", moved))
    operator.run("policy", "apply", file, "--tell")
    assert ["$120.00" in text for text in unsaid("dingtalk:lee")] == [True, True]
    assert "由 $120.00 调整为 $500.00" in unsaid("dingtalk:lee")[1]


def test_the_first_apply_welcomes_everybody_where_policy_says_so_and_later_joiners_too(
    fresh: Operator,
) -> None:
    fresh.run("people", "import", fresh.file("people.csv", PEOPLE))
    said = fresh.says("policy", "apply", fresh.file("policy.yaml", FREE + "welcome: true\n"))
    assert "5 messages wait to be sent" in said
    (alice,), (bob,), (dan,) = unsaid("slack:U01"), unsaid("dingtalk:bob"), unsaid("slack:U04")
    assert alice.startswith("Hello! You have **$100.00** for language models until")
    assert "`request 200 reason`" in alice
    assert bob.startswith("你好！你有 **$500.00** 大模型额度")
    assert dan.startswith("Hello! You can use the free models: hunyuan.")
    zoe = PEOPLE + "Zoe,zoe@corp.example,U07,,design,designer,employee,en,\n"
    fresh.run("people", "import", fresh.file("more.csv", zoe))
    assert len(unsaid("slack:U07")) == 1
    assert len(unsaid()) == 6


def test_without_welcome_nobody_is_written_to(fresh: Operator) -> None:
    fresh.run("people", "import", fresh.file("people.csv", PEOPLE))
    assert "nobody was told" in fresh.says("policy", "apply", fresh.file("policy.yaml", FREE))
    zoe = PEOPLE + "Zoe,zoe@corp.example,U07,,design,designer,employee,en,\n"
    fresh.run("people", "import", fresh.file("more.csv", zoe))
    assert unsaid() == []
