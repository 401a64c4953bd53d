"""Two years of a small company, by what `tick --now` does: every month the books add up."""

from benchmarks.two_years import DAYS, Company
from bot.database import Database


def test_two_years_of_a_company_stay_clean_every_month(sqlite: Database) -> None:
    company = Company(sqlite, people=12, seed=3)
    company.found()
    rows = list(company.live(DAYS, every=15))
    assert len(rows) == 24
    assert all(row["audit"] == "clean" for row in rows)
    for name in ("allocation", "used", "lent", "granted", "expired"):
        assert any(row[name] for row in rows), name
