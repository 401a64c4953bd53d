"""policy plan, apply, history and show, and a run that was killed."""

import json
import os
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session, select

from bot.database import Database
from bot.messengers.dingtalk import form
from models.messages.outbox import Effect
from models.policy import document, versions
from models.quota import allocation
from models.quota.allocation import adjust
from models.quota.closing import advance, open_first
from models.quota.policy_change import enact
from tests.console import PEOPLE, POLICY, Operator

TODAY = datetime.now(ZoneInfo("Asia/Shanghai")).date()
MORE = POLICY.replace("amount: 100", "amount: 120")
LESS = POLICY.replace("amount: 100", "amount: 60.5\n    reason: the spring is over")


def inside(work: Any) -> Any:
    """What a function finds or does in the operator's database."""
    database = Database(os.environ["DATABASE_URL"])
    try:
        return database.transact(work)
    finally:
        database.close()


def test_a_plan_shows_people_reasons_and_totals(operator: Operator) -> None:
    file = operator.file("next.yaml", LESS)
    operator.run(
        "usage",
        "import",
        operator.file("u.csv", "email,day,model,amount\nalice@corp.example,2026-11-01,m,7\n"),
    )
    then = (TODAY.replace(day=1) + timedelta(days=40)).replace(day=1)
    operator.run("tick", "--now", then.isoformat())
    found = json.loads(operator.run("policy", "plan", file, "--json", code=3).stdout)
    assert [(one["email"], one["before"], one["after"]) for one in found["changes"]] == [
        (f"{name}@corp.example", "100", "60.5") for name in ("alice", "carol", "lee", "ops")
    ]
    assert found["changes"][0]["reason"] == "the spring is over"
    assert found["changes"][0]["rule"] == 2
    teams = {one["team"]: one for one in found["teams"]}
    assert teams["design"] == {
        "team": "design",
        "people": 3,
        "before": "200",
        "after": "121",
        "spent_last_period": "7",
    }
    assert teams["*"]["before"] == "900"
    shown = operator.run("policy", "plan", file, code=3).stdout
    assert "the spring is over" in shown
    assert "4 of 6 people, 900 USD → 742 USD a period" in shown


def test_a_plan_changes_nothing_and_settings_count_as_changes(operator: Operator) -> None:
    before = operator.rows("ledger")
    found = operator.run(
        "policy", "plan", operator.file("p.yaml", f"{POLICY}lending: {{enabled: false}}\n"), code=3
    )
    assert "settings that change: lending" in found.stdout
    assert operator.rows("ledger") == before
    operator.run("policy", "plan", operator.file("p.yaml", f"# only a comment\n{POLICY}"))


def test_a_plan_names_what_dingtalk_approval_lacks(operator: Operator) -> None:
    file = operator.file("p.yaml", f"{POLICY}requests: {{channel: oa}}\n")
    found = operator.run("policy", "plan", file, code=3)
    assert "there is no form yet, `quotabot dingtalk form` makes it" in found.stderr
    assert "Workflow.Instance.Read" in found.stderr
    assert "6 people have no DingTalk id" in found.stderr
    assert "version 2 is in force" in operator.says("policy", "apply", file)
    inside(lambda session: form.remember(session, "PROC-1", datetime.now(UTC)))
    assert "no form" not in operator.run("policy", "plan", file).stderr
    assert operator.run("policy", "plan", operator.file("p.yaml", POLICY), code=3).stderr == ""


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        ("unit: USD\nallocatons: []\n", ':2: allocatons: is not a key'), ("unit: [", ":1: not YAML"), ("", "empty"),
        (POLICY.replace("ops@", "nobody@"), "admins[0]"), (POLICY.replace("amount: 500", "amount: lots"), ":9: allocations[1].amount"),
        (POLICY.replace("unit: USD", "unit: CNY"), "cannot become CNY"), (POLICY.replace("team: payments, role", "team: paymnets, role"), "match.team"),
    ],
)  # fmt: skip
def test_a_wrong_policy_is_refused_by_line_and_key(operator: Operator, policy: str, why: str) -> None:
    before, file = operator.rows("ledger"), operator.file("bad.yaml", policy)
    assert why in operator.fails("policy", "plan", file)
    assert why in operator.fails("policy", "apply", file, "--yes")
    assert operator.rows("ledger") == before
    assert len(operator.says("policy", "history").splitlines()) == 2


def test_people_get_more_at_once_and_are_counted(operator: Operator) -> None:
    assert "it touched 4 of 6 people" in operator.says("policy", "apply", operator.file("p.yaml", MORE))
    assert operator.show("alice")["available"] == "120"
    assert operator.show("bob")["available"] == "500"
    assert inside(lambda session: session.exec(select(Effect)).all()) == []


def test_a_cut_needs_a_yes_and_takes_at_most_what_is_left(operator: Operator) -> None:
    operator.run(
        "usage",
        "import",
        operator.file("u.csv", "email,day,model,amount\nalice@corp.example,2026-11-01,m,90\n"),
    )
    file = operator.file("p.yaml", LESS)
    said = operator.fails("policy", "apply", file)
    assert said == "4 of 6 people get less. Say --yes to do it. Nothing was changed."
    assert operator.show("carol")["available"] == "100"
    assert "say --tell to write" in operator.fails("policy", "apply", file, "--yes")
    assert operator.show("carol")["available"] == "100"
    operator.run("policy", "apply", file, "--yes", "--silent")
    assert (operator.show("alice")["available"], operator.show("carol")["available"]) == ("0", "60.5")
    assert "it touched 0 of 6" in operator.says("policy", "apply", file)
    operator.run("audit")


def test_the_same_policy_again_is_no_new_version_but_posts_what_people_csv_changed(
    operator: Operator,
) -> None:
    file = operator.file("policy.yaml", POLICY)
    operator.run(
        "people",
        "import",
        operator.file("people.csv", PEOPLE.replace("design,designer,contractor", "design,designer,employee")),
    )
    changes = json.loads(operator.run("policy", "plan", file, "--json", code=3).stdout)["changes"]
    assert [(one["email"], one["before"], one["after"]) for one in changes] == [
        ("dan@corp.example", "0", "100")
    ]
    assert "version 1 is in force; it touched 1 of 6 people" in operator.says("policy", "apply", file)
    assert operator.show("dan")["available"] == "100"


def test_pools_follow_the_budget(operator: Operator) -> None:
    operator.run(
        "policy",
        "apply",
        operator.file("p.yaml", POLICY.replace("top_up_budget: 5000", "top_up_budget: 300")),
    )
    moved = [
        (row["kind"], row["amount"]) for row in operator.rows("ledger") if "pool" in (row["from"], row["to"])
    ]
    assert moved == [("fund", "5000"), ("cut", "4700")]


def test_only_with_tell_are_people_written_to_in_their_language_a_second_apart(operator: Operator) -> None:
    said = operator.says("policy", "apply", operator.file("p.yaml", LESS), "--yes", "--tell")
    assert "4 messages" in said
    assert "about 1 minute" in said
    effects: list[Effect] = inside(lambda session: session.exec(select(Effect).order_by(Effect.due_at)).all())
    texts = {one.payload["address"]: one.payload["message"]["text"] for one in effects}
    assert "$60.50" in texts["slack:U01"]
    assert "the spring is over" in texts["slack:U01"]
    assert "调整为 $60.50" in texts["slack:U05"]
    gaps = {after.due_at - before.due_at for before, after in pairwise(effects)}
    assert gaps == {timedelta(seconds=1)}
    operator.run("policy", "apply", operator.file("p.yaml", LESS), "--yes", "--tell")
    assert len(inside(lambda session: session.exec(select(Effect)).all())) == 4


# one that waits for its day


def test_a_staged_policy_waits_and_comes_into_force_inside_a_period(operator: Operator) -> None:
    opening = (TODAY.replace(day=1) + timedelta(days=40)).replace(day=1)
    day = opening + timedelta(days=9)
    said = operator.says(
        "policy", "apply", operator.file("p.yaml", MORE), "--effective", day.isoformat(), "--tell"
    )
    assert f"version 2 waits for {day}; it touches 4 of 6 people" in said
    assert "4 messages" in said
    operator.run("tick", "--now", f"{day - timedelta(days=1)}T23:00")
    assert operator.show("alice")["available"] == "100"
    operator.run("tick", "--now", day.isoformat())
    assert operator.show("alice")["available"] == "120"
    operator.run("tick", "--now", day.isoformat())
    assert operator.show("alice")["available"] == "120"
    assert "amount: 120" in operator.says("policy", "show", "--at", day.isoformat())
    operator.run("audit")


def test_a_policy_for_the_first_day_of_a_period_opens_it(operator: Operator) -> None:
    day = (TODAY.replace(day=1) + timedelta(days=40)).replace(day=1)
    operator.run("policy", "apply", operator.file("p.yaml", MORE), "--effective", day.isoformat())
    operator.run("tick", "--now", day.isoformat())
    alice = operator.show("alice")
    assert (alice["available"], alice["base"]) == ("120", "120")
    given = [row["amount"] for row in operator.rows("ledger") if row["to_whom"] == "alice@corp.example"]
    assert given == ["100", "120"]


def test_a_policy_in_between_comes_into_force_before_the_openings_after_it(operator: Operator) -> None:
    opening = (TODAY.replace(day=1) + timedelta(days=70)).replace(day=1)
    operator.run("policy", "apply", operator.file("p.yaml", MORE), "--effective", opening.isoformat())
    operator.run("tick", "--now", (opening + timedelta(days=45)).isoformat(), "--yes")
    given = [row["amount"] for row in operator.rows("ledger") if row["to_whom"] == "alice@corp.example"]
    assert given == ["100", "100", "120", "120"]


def test_a_staged_policy_is_enacted_by_as_many_processes_as_it_takes(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(allocation.adjust.__globals__, "CHUNK", 2)
    opening = (TODAY.replace(day=1) + timedelta(days=40)).replace(day=1)
    operator.run("tick", "--now", opening.isoformat())
    day, file = opening + timedelta(days=9), operator.file("p.yaml", LESS)
    operator.run("policy", "apply", file, "--yes", "--silent", "--effective", day.isoformat())
    now, pieces = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=1), 0
    while inside(lambda session: enact(session, now)):
        pieces += 1
    assert pieces == 4
    assert {operator.show(name)["available"] for name in ("alice", "carol", "lee", "ops")} == {"60.5"}
    operator.run("audit")


def test_a_day_that_is_over_is_refused_and_the_first_policy_cannot_wait(operator: Operator) -> None:
    file, yesterday = operator.file("p.yaml", MORE), (TODAY - timedelta(days=2)).isoformat()
    assert "is over" in operator.fails("policy", "apply", file, "--effective", yesterday)
    operator.run("policy", "apply", file, "--effective", "soon", code=2)
    (operator.folder / "quotabot.db").unlink()
    operator.run("people", "import", operator.file("people.csv", PEOPLE))
    later = (TODAY + timedelta(days=9)).isoformat()
    assert "cannot wait" in operator.fails("policy", "apply", file, "--effective", later)


# history


def test_history_lists_every_version_and_show_prints_the_one_of_a_day(operator: Operator) -> None:
    operator.run("policy", "apply", operator.file("p.yaml", MORE))
    found = json.loads(operator.says("policy", "history", "--json"))
    assert [one["version"] for one in found] == [1, 2]
    assert all(one["in_force_at"] and one["applied_by"].startswith("admin") for one in found)
    assert operator.says("policy", "show") == MORE
    tomorrow = date.today() + timedelta(days=1)  # noqa: DTZ011 - in whatever zone, it is not before today
    assert operator.says("policy", "show", "--at", tomorrow.isoformat()) == MORE
    assert "no policy was in force" in operator.fails("policy", "show", "--at", "2020-01-01")


# killed


def test_a_first_apply_that_was_killed_goes_on(fresh: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.quota.closing.CHUNK", 2)
    operator = fresh
    operator.run("people", "import", operator.file("people.csv", PEOPLE))
    now = datetime.now(UTC)

    def begin_and_die(session: Session) -> None:
        version = versions.record_version(session, POLICY, now, "admin")
        open_first(session, now, version, document.parse(POLICY))
        advance(session, now)

    inside(begin_and_die)
    operator.run("policy", "apply", operator.file("policy.yaml", POLICY))
    assert [operator.show(name)["available"] for name in ("alice", "bob", "dan", "ops")] == [
        "100",
        "500",
        "0",
        "100",
    ]
    assert len([row for row in operator.rows("ledger") if row["kind"] == "allocate"]) == 5
    operator.run("audit")


def test_a_later_apply_that_was_killed_goes_on(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(allocation.adjust.__globals__, "CHUNK", 2)
    now = datetime.now(UTC)

    def begin_and_die(session: Session) -> None:
        version = versions.record_version(session, LESS, now, "admin")
        adjust(session, now, version, document.parse(LESS), 0)

    inside(begin_and_die)
    assert (operator.show("alice")["available"], operator.show("ops")["available"]) == ("60.5", "100")
    said = operator.says("policy", "apply", operator.file("p.yaml", LESS), "--yes", "--silent")
    assert "version 2 is in force; it touched 3 of 6 people" in said
    assert {operator.show(name)["available"] for name in ("alice", "carol", "lee", "ops")} == {"60.5"}
    operator.run("audit")


# one that takes another's place

SOON, LATER = (TODAY + timedelta(days=70)).isoformat(), (TODAY + timedelta(days=75)).isoformat()


def states(operator: Operator) -> list[str]:
    return [one["state"] for one in json.loads(operator.says("policy", "history", "--json"))]


def test_a_staged_change_replaces_the_one_that_waited_and_says_so(operator: Operator) -> None:
    operator.run("policy", "apply", operator.file("p.yaml", MORE), "--effective", SOON)
    file = operator.file("q.yaml", LESS)
    assert (
        f"version 2 waits for {SOON}; applying another drops it"
        in operator.run("policy", "plan", file, code=3).stdout
    )
    found = json.loads(operator.run("policy", "plan", file, "--json", code=3).stdout)
    assert found["staged"] == {"version": 2, "effective": SOON}
    said = operator.says("policy", "apply", file, "--yes", "--silent", "--effective", LATER)
    assert f"version 2, which waited for {SOON}, is dropped" in said
    assert states(operator) == ["in force", "dropped", "waits"]
    assert operator.says("policy", "show", "--at", SOON) == POLICY
    assert operator.says("policy", "show", "--at", LATER) == LESS
    operator.run("tick", "--now", SOON, "--yes")
    assert operator.show("alice")["available"] == "100"
    operator.run("tick", "--now", LATER, "--yes")
    assert operator.show("alice")["base"] == "60.5"
    assert states(operator) == ["over", "dropped", "in force"]


def test_a_policy_for_today_drops_the_staged_one_too(operator: Operator) -> None:
    operator.run("policy", "apply", operator.file("p.yaml", MORE), "--effective", SOON)
    said = operator.says("policy", "apply", operator.file("policy.yaml", POLICY))
    assert f"version 2, which waited for {SOON}, is dropped" in said
    operator.run("tick", "--now", LATER, "--yes")
    assert operator.show("alice")["base"] == "100"


def test_two_spellings_of_a_team_are_one_line_of_a_plan(operator: Operator) -> None:
    other = PEOPLE.replace(",payments,lead", ",Payments ,lead").replace(
        ",payments,engineer", ",PAYMENTS,engineer"
    )
    operator.run("people", "import", operator.file("people.csv", other), "--yes")
    found = json.loads(operator.run("policy", "plan", operator.file("p.yaml", MORE), "--json", code=3).stdout)
    assert [(one["team"], one["people"]) for one in found["teams"]] == [
        ("design", 3), ("it", 1), ("payments", 2), ("*", 6),
    ]  # fmt: skip


def test_a_plan_names_the_entry_and_a_file_that_is_not_utf8_its_line(operator: Operator) -> None:
    shown = operator.run("policy", "plan", operator.file("p.yaml", MORE), code=3).stdout
    assert "alice@corp.example  design    100     →  120    allocations[2]  everybody" in shown
    gbk = operator.file("gbk.yaml", POLICY.replace("on-call tooling", "值班工具").encode("gbk"))
    assert operator.fails("policy", "plan", gbk).startswith("gbk.yaml:10: not UTF-8")
