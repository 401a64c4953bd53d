"""The operator's story from end to end, on both databases."""

from pathlib import Path

import pytest

from bot.database import Database
from tests.console import PEOPLE, POLICY, TODAY, Operator, next_month

pytestmark = pytest.mark.usefixtures("nothing_is_set")


@pytest.fixture(params=["sqlite", "postgres"])
def either(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    """An empty database of either kind."""
    if request.param == "sqlite":
        monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/quotabot.db")
    else:
        postgres: Database = request.getfixturevalue("postgres")
        url = postgres.engine.url.set(drivername="postgresql")
        monkeypatch.setenv("DATABASE_URL", url.render_as_string(hide_password=False))
    return Operator(tmp_path)


def test_the_whole_story_of_an_operator(either: Operator) -> None:
    assert "6 join" in either.says("people", "import", either.file("people.csv", PEOPLE))
    either.run("policy", "plan", either.file("policy.yaml", POLICY), code=3)
    assert "6 people" in either.says("policy", "apply")
    assert "nothing changes" in either.says("policy", "plan")

    day = TODAY.isoformat()
    usage = either.file("usage.csv", f"email,day,model,amount\nalice@corp.example,{day},gpt,3.25\n")
    assert either.says("usage", "import", usage) == "booked 3.25 USD from 1 row of 1 person\n"
    assert either.says("usage", "import", usage) == "booked 0 USD from 1 row of 1 person\n"
    either.run("grant", "ALICE@corp.example", "20.5", "--reason", "billing migration")
    alice = either.show("alice")
    assert {name: alice[name] for name in ("base", "available", "allocation", "top_ups", "used")} == {
        "base": "100", "available": "117.25", "allocation": "96.75", "top_ups": "20.5", "used": "3.25",
    }  # fmt: skip
    assert alice["entitlement"] == "120.5"

    then = next_month()
    either.run("tick", "--now", then.isoformat())
    later = either.show("alice")
    assert later["period"]["start"] == f"{then.isoformat()}T00:00:00+08:00"
    assert (later["available"], later["used"], later["used_total"]) == ("100", "0", "3.25")
    either.run("audit")
    assert {row["kind"] for row in either.rows("ledger")} >= {"allocate", "use", "grant", "expire", "fund"}
    assert either.rows("usage")[0]["amount"] == "3.25"
    assert len(either.says("people", "export").splitlines()) == 7
