"""The chain of hashes: whatever is changed, removed or added behind its back is found and named."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from bot.database import Database
from handlers import lending, requests
from models.people.authority import Authority, erase_words
from models.quota import chain
from models.quota.chain import COVERED, head, knows, seal_next, verify
from models.quota.decision import Decision, erase_reasons
from models.quota.loan import Loan
from tests.actions import USD, ask_for, cause, gift, say, spend
from tests.company import NOW, who

GUARDED = (*COVERED, "seal")


def sealed(database: Database) -> None:
    while database.transact(lambda session: seal_next(session, NOW)):
        pass


def run(database: Database, *statements: str) -> None:
    for one in statements:
        database.transact(lambda session, sql=one: session.execute(text(sql)) and None)


@pytest.fixture
def unguarded(busy: Database) -> Iterator[Database]:
    """Somebody who owns the database has taken the triggers away."""
    if busy.sqlite:
        run(
            busy,
            *(f"DROP TRIGGER {table}_refuses_{verb}" for table in GUARDED for verb in ("update", "delete")),
        )
        yield busy
        return
    run(busy, *(f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in GUARDED))
    yield busy
    run(
        busy, *(f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in GUARDED)
    )  # other tests use this server


@pytest.fixture
def busy(company: Database) -> Database:
    """A company in which each table of the chain has rows, all sealed but for nothing."""
    say(company, lending.lend, "alice", "bob", 50 * USD)
    spend(company, "bob", 120)
    company.transact(
        lambda session: Loan.forgive(
            session, lender=who(session, "alice"), borrower=who(session, "bob"), amount=USD, cause=cause()
        )
    )
    say(company, requests.approve, "lee", ask_for(company, "pia", 70))
    sealed(company)
    return company


def test_everything_sealed_holds_and_new_rows_follow(busy: Database) -> None:
    before = busy.query(verify)
    assert before.broken is None
    assert before.unsealed == 0
    assert before.rows == busy.query(
        lambda session: sum(
            session.execute(text(f"SELECT COUNT(*) FROM {one}")).scalar_one() for one in COVERED
        )
    )
    gift(busy, "eve", 5)
    assert busy.query(verify).unsealed == 1
    sealed(busy)
    after = busy.query(verify)
    assert (after.broken, after.unsealed) == (None, 0)
    assert before.head
    assert busy.query(lambda session: knows(session, before.head.hash))
    assert after.head == busy.query(head) != before.head


@pytest.mark.parametrize("table", GUARDED)
@pytest.mark.parametrize("change", ["UPDATE {} SET at = at", "DELETE FROM {}"])
def test_the_database_refuses_to_change_what_is_only_added_to(
    busy: Database, table: str, change: str
) -> None:
    with pytest.raises(IntegrityError, match="only added to"):
        run(busy, change.format(table))


TAMPERING = {
    "UPDATE transfer SET amount = amount + 1 WHERE kind = 'grant'": "transfer",
    "UPDATE transfer SET reason = 'another' WHERE kind = 'lend'": "transfer",
    "UPDATE decision SET decider_id = member_id_of_nobody": "decision",
    "UPDATE decision SET reason = 'another'": "decision",
    "UPDATE authority SET becomes = 'version 7' WHERE what = 'policy'": "authority",
    "UPDATE authority SET actor = 'somebody'": "authority",
    "UPDATE forgiveness SET amount = amount - 1": "forgiveness",
    "DELETE FROM forgiveness": "forgiveness",
    "DELETE FROM seal WHERE id = 1": "",
    "UPDATE seal SET hash = 'aa' WHERE id = 1": "",
}


@pytest.mark.parametrize("sql", TAMPERING)
def test_the_first_broken_link_is_named(unguarded: Database, sql: str) -> None:
    run(unguarded, sql.replace("member_id_of_nobody", "(SELECT MIN(id) FROM member)"))
    broken = unguarded.query(verify).broken
    assert broken is not None
    assert broken.source == TAMPERING[sql] or not TAMPERING[sql]
    found = unguarded.query(verify)
    assert found.unsealed == 0
    before = unguarded.query(
        lambda session: session.execute(
            text("SELECT MAX(id) FROM seal WHERE id < :id"), {"id": broken.seal}
        ).scalar()
    )
    assert (found.head.seal if found.head else None, found.seals) == (before, before or 0), (
        "the last that holds"
    )


def test_a_row_put_in_the_place_of_another_is_found(unguarded: Database) -> None:
    columns = "kind, amount, source_id, target_id, at, actor, cause, reason"
    last = unguarded.query(lambda session: session.execute(text("SELECT MAX(id) FROM transfer")).scalar_one())
    run(unguarded, f"DELETE FROM entry WHERE transfer_id = {last}", f"DELETE FROM transfer WHERE id = {last}")
    assert "rows were sealed" in str(unguarded.query(verify).broken)
    run(
        unguarded,
        f"INSERT INTO transfer (id, {columns}) SELECT {last}, {columns} FROM transfer WHERE id = {last} - 1",
    )
    assert "was changed" in str(unguarded.query(verify).broken)


def test_a_gap_between_two_seals_of_a_table_and_a_table_nobody_knows_are_found(unguarded: Database) -> None:
    newest = unguarded.query(head).seal
    run(unguarded, f"UPDATE seal SET after = after + 1 WHERE id = {newest}")
    assert unguarded.query(verify).broken.why == "the seal before it is missing, or its range was changed"
    run(unguarded, f"UPDATE seal SET source = 'member' WHERE id = {newest}")
    assert unguarded.query(verify).broken.why == "the seal before it is missing, or its range was changed"


def test_changed_words_are_named_by_their_row(unguarded: Database) -> None:
    row = unguarded.query(lambda session: session.execute(text("SELECT MAX(id) FROM decision")).scalar_one())
    run(unguarded, "UPDATE decision SET reason = 'another'")
    assert unguarded.query(verify).broken.why == f"the words of row {row} were changed"
    run(
        unguarded,
        f"UPDATE decision SET reason = '', salt = '', answer = '', outcome = 'declined' WHERE id = {row}",
    )
    assert unguarded.query(verify).broken.why == "a row was changed, or the seal was"


def test_before_anything_is_sealed_there_is_no_head(database: Database) -> None:
    found = database.query(verify)
    assert (found.seals, found.rows, found.head, found.broken, database.query(head)) == (
        0,
        0,
        None,
        None,
        None,
    )


def test_a_hash_that_was_kept_is_known_and_no_other(busy: Database) -> None:
    kept = busy.query(head).hash
    assert busy.query(lambda session: [knows(session, one) for one in (f" {kept.upper()}\n", "0" * 64, "")]) == [
        True, False, False,
    ]  # fmt: skip


def test_erased_words_leave_the_chain_whole(busy: Database) -> None:
    def erase(session: Session) -> None:
        erase_words(session, who(session, "pia"))
        erase_reasons(session, [one.request_id for one in session.exec(select(Decision)).all()])

    busy.transact(erase)
    assert busy.query(lambda session: {one.reason for one in session.exec(select(Decision)).all()}) == {""}
    assert busy.query(verify).broken is None
    with pytest.raises(IntegrityError):
        run(busy, "UPDATE decision SET reason = 'another'")


def test_a_seal_ends_after_so_many_rows(company: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "ROWS", 3)
    monkeypatch.setattr(chain, "AT_ONCE", 2)
    sealed(company)
    found = company.query(verify)
    assert found.broken is None
    assert found.unsealed == 0
    assert found.seals >= found.rows / 3


def test_a_row_that_another_transaction_may_precede_waits(postgres_company: Database) -> None:
    """The number of a row is given out before its transaction commits."""
    sealed(postgres_company)
    with postgres_company.engine.connect() as connection, connection.begin() as slow:
        with Session(connection) as session:
            session.add(_change("slow"))
            session.flush()
            postgres_company.transact(lambda other: other.add(_change("quick")))
            sealed(postgres_company)
            assert postgres_company.query(verify).unsealed == 1
        slow.commit()
    sealed(postgres_company)
    found = postgres_company.query(verify)
    assert (found.broken, found.unsealed) == (None, 0)


def test_a_row_that_comes_between_two_looks_is_not_sealed_before_a_smaller_one(
    postgres_company: Database,
) -> None:
    sealed(postgres_company)
    other = Database(postgres_company.engine.url.render_as_string(hide_password=False))
    with postgres_company.engine.connect() as connection, connection.begin() as slow:
        with Session(connection) as session:
            session.add(_change("slow"))
            session.flush()
            postgres_company.transact(lambda another: another.add(_change("new")))

            def meanwhile(_: object, __: object, statement: str, *___: object) -> None:
                if "age(" in statement and not came:
                    came.append(1)
                    postgres_company.transact(lambda another: another.add(_change("quick")))

            came: list[int] = []
            event.listen(other.engine, "after_cursor_execute", meanwhile)
            sealed(other)
            assert came
        slow.commit()
    sealed(postgres_company)
    assert postgres_company.query(verify).broken is None
    other.close()


def _change(actor: str) -> Authority:
    return Authority(at=NOW, actor=actor, what="team")


def test_nothing_new_is_found_out_by_one_statement(company: Database) -> None:
    sealed(company)
    said: list[str] = []
    event.listen(company.engine, "before_cursor_execute", lambda *call: said.append(call[2]))
    sealed(company)
    assert len([one for one in said if "FROM seal" in one or "age(" in one]) == 1
