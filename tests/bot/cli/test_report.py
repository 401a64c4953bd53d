"""report and budget: what the people who pay see, by team and model and never by person."""

import csv
import json
from datetime import datetime
from zoneinfo import ZoneInfo

from models.reports.spending import EVERYBODY
from tests.console import POLICY, Operator


def test_the_report_is_a_table_a_csv_and_json(fresh: Operator) -> None:
    fresh.settle()
    shown = fresh.says("report")
    assert "allocation" in shown
    assert "alice" not in shown
    assert "\n–  " not in shown
    rows = list(csv.DictReader(fresh.says("report", "--format", "csv").splitlines()))
    assert rows[-1]["team"] == EVERYBODY
    assert rows[-1]["allocation"] == "900"
    assert json.loads(fresh.says("report", "--format", "json"))["unit"] == "USD"
    assert fresh.says("report", "--json") == fresh.says("report", "--format", "json")
    assert fresh.says("report", "--format", "csv", "--by", "day") == "day,active,spent,people,unit,period\n"
    said = fresh.says("report", "--format", "csv", "--by", "decision")
    assert said == "by,granted,declined,median_minutes,nine_of_ten_minutes,unit,period\n"
    assert fresh.run("report", "--period", "soon", code=2)
    assert fresh.fails("report", "--period", "2001-01") == "there is no period 2001-01"


def test_a_file_of_usage_may_name_agents_whose_rows_add_up(fresh: Operator) -> None:
    fresh.settle()
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date().isoformat()
    rows = [
        f"{name}@corp.example,{today},claude,{amount},{agent}"
        for name, amount, agent in (
            ("alice", 3, "ide"), ("alice", 4, "ci"), ("bob", 5, "ide"), ("alice", 3, "ide"), ("bob", 1, ""),
        )
    ]  # fmt: skip
    file = fresh.file("u.csv", "\n".join(["email,day,model,amount,agent", *rows]))
    assert fresh.says("usage", "import", file).startswith("booked 13 USD")
    assert fresh.says("usage", "import", file).startswith("booked 0 USD")
    found = json.loads(fresh.says("report", "--format", "json"))
    assert found["models"] == [{"model": "claude", "spent": "13", "tokens": 0, "per_million": ""}]
    assert found["decisions"] == []
    (day,) = found["days"]
    assert day == {"day": today, "active": 4, "spent": "13", "people": 2}


def test_the_budget_comes_from_the_policy(fresh: Operator) -> None:
    fresh.settle(POLICY + "organisation: {year_budget: 12000}\n")
    assert json.loads(fresh.says("budget", "--json"))["left"] == "12000"
    assert "the budget lasts" in fresh.says("budget")


def test_a_missing_budget_is_answered_with_the_line_to_add(fresh: Operator) -> None:
    fresh.settle()
    assert "organisation" in fresh.fails("budget")
