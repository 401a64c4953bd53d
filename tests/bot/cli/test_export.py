"""`export`."""

import pytest

from tests.console import Operator


def test_an_export_begins_at_its_day(operator: Operator) -> None:
    assert len(operator.says("export", "ledger").splitlines()) > 1
    assert len(operator.says("export", "ledger", "--since", "2099-01-01").splitlines()) == 1
    assert operator.says("export", "usage", "--since", "2099-01-01", "--format", "jsonl") == ""
    operator.run("export", "ledger", "--since", "long ago", code=2)
    operator.run("export", "secrets", code=2)


def test_an_export_pages_through_everything_once(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = operator.says("export", "ledger")
    trail = operator.says("export", "audit")
    for module in ("books", "audit"):
        monkeypatch.setattr(f"models.reports.{module}.PAGE", 2)
    assert operator.says("export", "ledger") == whole
    assert operator.says("export", "audit") == trail
    rows = "".join(f"bob@corp.example,2026-11-0{n},{m},1\n" for n in (1, 2) for m in ("a", "b", "c"))
    operator.run("usage", "import", operator.file("u.csv", f"email,day,model,amount\n{rows}"))
    assert len(operator.rows("usage")) == 6
