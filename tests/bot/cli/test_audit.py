"""`audit`."""

import json
import os

from sqlalchemy import text

from bot.database import Database
from tests.console import Operator


def test_audit_lists_faults_and_exits_1(operator: Operator) -> None:
    assert "everything adds up" in operator.says("audit")
    database = Database(os.environ["DATABASE_URL"])
    database.transact(
        lambda session: (
            session.execute(text("UPDATE account SET balance = balance + 1 WHERE kind = 'allocation'"))
            and None
        )
    )
    database.close()
    said = operator.run("audit", code=1)
    assert "not true: a balance is the sum of its entries: row" in said.stderr
    assert json.loads(operator.run("audit", "--json", code=1).stdout)["wrong"]
