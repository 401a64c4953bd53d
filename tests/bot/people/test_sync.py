"""People from a file: what is refused and where, what is taken over, and that an export changes nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event
from sqlmodel import Session, col, func, select

from bot.database import Database
from bot.people.csv import PeopleError, read_people, sealed, unsealed
from bot.people.sync import TooManyLeave, apply, compare, export_people, survey
from models.ledger.account import Account
from models.ledger.audit import audit
from models.messages.outbox import Effect
from models.people.member import Address, Member, addresses
from models.people.roster import Changes, Row, columns
from models.policy.document import parse
from models.quota.allocation import dues
from models.reports.member import overview
from tests.company import CAST, NOW, who

HEADER = "name,email,slack_id,dingtalk_id,gateway_id,manager_email,team,role,employment,locale,timezone\n"
TWO = (
    HEADER
    + "Ann,ann@corp.example,U1,d1,,bob@corp.example,design,designer,,en,Europe/Berlin\n"
    + "老王,bob@corp.example,U2,,b0b,,design,lead,contractor,zh,\n"
)


def problems(text: str | bytes) -> list[tuple[int, str]]:
    with pytest.raises(PeopleError) as refused:
        read_people(text.encode() if isinstance(text, str) else text)
    return list(refused.value.problems)


def take_over(database: Database, text: str, **how: bool) -> Changes:
    """Import a file as the command does, in one transaction."""

    def work(session: Session) -> Changes:
        changes = survey(session, text.encode(), remove_missing=how.get("remove_missing", False))
        apply(session, changes, NOW, yes=how.get("yes", False))
        return changes

    return database.transact(work)


def refused(database: Database, text: str, **how: bool) -> list[tuple[int, str]]:
    with pytest.raises(PeopleError) as no:
        take_over(database, text, **how)
    return list(no.value.problems)


def shown(database: Database, name: str) -> dict[str, object]:
    return database.transact(lambda session: overview(session, who(session, name)))


# --- reading ---------------------------------------------------------------------------------------------------------


def test_a_file_is_read_with_its_columns_in_any_order_and_others_kept() -> None:
    text = "cost_center,EMAIL,team\n0042, Ann@Corp.Example ,design\n,bob@corp.example,\n"
    ann, bob = read_people(text.encode())
    assert (ann.email, ann.team, ann.extra) == ("ann@corp.example", "design", {"cost_center": "0042"})
    assert (bob.line, bob.team, bob.name, bob.employment, bob.extra) == (3, "", "", "employee", {})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_a_file_may_be_utf8_or_gbk(encoding: str) -> None:
    rows = read_people(TWO.encode(encoding))
    assert [row.name for row in rows] == ["Ann", "老王"]
    assert rows[0].email == "ann@corp.example"


def test_line_ends_blank_lines_and_quoted_line_breaks_do_not_move_the_lines() -> None:
    text = 'email,note\r\n\r\nann@corp.example,"two\r\nlines"\r\n,,\r\nbob@corp.example,x\r\n'
    assert problems(text.replace(",,\r\n", "nobody,x\r\n")) == [(5, "nobody is no e-mail address")]
    assert [row.line for row in read_people(text.replace(",,", ",").encode())] == [3, 6]


def test_every_bad_row_is_named_with_its_line_and_reason() -> None:
    text = (
        HEADER
        + "A,,,,,,,,,,\n"
        + "B,b at corp.example,,,,,,,,,\n"
        + "C,c@corp.example,U1,,,,,,freelancer,fr,Asia/Shangai\n"
        + "D,d@corp.example,U1,,,,,,,,\n"
        + "E,C@corp.example,,,,,,,,,\n"
        + "F,f@corp.example,,\n"
        + "G,g@corp.example,,,,,,,,,,more\n"
        + "H,h@corp.example,,,d@corp.example,,,,,,\n"
        + "I,i\u200b@corp.example,,,,,,,,,\n"
    )
    assert problems(text) == [
        (2, "has no e-mail"),
        (3, "b at corp.example is no e-mail address"),
        (4, 'Asia/Shangai is no time zone, such as Asia/Shanghai. Did you mean "Asia/Shanghai"?'),
        (4, "employment must be employee, contractor or intern, not freelancer."),
        (4, "locale must be en or zh, not fr"),
        (5, "slack_id U1 is also on line 4, c@corp.example"),
        (6, "c@corp.example is also on line 4"),
        (7, "has 4 cells, the header has 11"),
        (8, "has 12 cells, the header has 11"),
        (9, "gateway_id d@corp.example is also on line 5, d@corp.example"),
        (10, "email holds a character that cannot be seen"),
    ]


@pytest.mark.parametrize(
    ("data", "line", "why"),
    [
        (b"", 1, "the file is empty"),
        (b"\xef\xbb\xbf", 1, "the file is empty"),
        (b"name,email\n", 1, "nobody below the header"),
        (b"name;phone\nAnn;12\n", 1, 'no column "email"; the header reads name,phone'),
        (b"email,team,team\na@b,x,y\n", 1, 'the column "team" is there twice'),
        (b"email\nann@corp.example\nb\0b@corp.example\n", 3, "NUL byte"),
        ("email\nann@corp.example\n".encode("utf-16-le"), 1, "save the file as CSV UTF-8"),
        (b"email\n\xff\xff\n", 2, "neither UTF-8 nor GBK"),
        (
            "email,name\na@b,老王\nb@b,小李小李\n".encode().replace("李".encode(), b"\xe6\x9d", 1),
            3,
            "not UTF-8",
        ),
        (b'email,name\na@b,"x" y\n', 2, "is not CSV from here on"),
        (b'email,name\na@b,"x\nb@b,y\n', 2, "is not CSV from here on"),
        (b"email,\na@b,what\n", 2, '"what" is in a column without a name'),
    ],
)
def test_what_is_no_such_file_is_refused_where_it_breaks(data: bytes, line: int, why: str) -> None:
    ((where, said),) = problems(data)
    assert where == line
    assert why in said


def test_a_trailing_comma_in_every_line_is_no_column() -> None:
    (row,) = read_people(b"email,team,\na@b,design,\n")
    assert (row.team, row.extra) == ("design", {})


def test_nobody_is_their_own_manager() -> None:
    (row,) = read_people(b"email,manager_email\nann@corp.example,Ann@corp.example\n")
    assert row.manager_email == ""


@given(st.text())
def test_a_sealed_cell_is_no_formula_and_opens_to_what_it_was(cell: str) -> None:
    assert unsealed(sealed(cell)) == cell
    assert not sealed(cell).startswith(("=", "+", "-", "@", "\t"))


# --- taking over -----------------------------------------------------------------------------------------------------


def test_people_join_with_managers_addresses_and_defaults(database: Database) -> None:
    changes = take_over(database, TWO)
    assert (len(changes.join), len(changes.change), changes.unchanged) == (2, 0, 0)

    def look(session: Session) -> None:
        ann, bob = who(session, "ann"), who(session, "bob")
        assert (ann.manager_id, bob.manager_id) == (bob.id, None)
        assert (ann.gateway_id, bob.gateway_id) == ("ann@corp.example", "b0b")
        assert (ann.employment, bob.employment) == ("employee", "contractor")
        assert (ann.locale, ann.timezone, bob.timezone) == ("en", "Europe/Berlin", None)
        assert {one.address for one in addresses(session, ann.id)} == {"slack:U1", "dingtalk:d1"}
        assert Member.at(session, "slack:U2").name == "老王"
        assert (ann.joined_at, ann.left_at) == (NOW, None)

    database.transact(look)


@pytest.mark.parametrize("column", [*columns(), "office", "cost.center", "成本中心", "it's"])
def test_every_column_can_be_matched_by_a_policy(database: Database, column: str) -> None:
    boss = "Bo,bo@corp.example,U2,d2,g2,,sales,,employee,zh,Asia/Tokyo,Tokyo,c8,乙,n\n"
    ann = "Ann,ann@corp.example,U1,d1,g1,bo@corp.example,t,r,intern,en,UTC,Berlin,c7,甲,y\n"
    take_over(database, HEADER.replace("\n", ",office,cost.center,成本中心,it's\n") + boss + ann)
    value = dict(
        zip([*columns(), "office", "cost.center", "成本中心", "it's"], ann.strip().split(","), strict=True)
    )[column]
    policy = parse(f'unit: USD\nallocations:\n  - {{match: {{"{column}": "{value}"}}, amount: 7}}\n')

    def work(session: Session) -> None:
        found = {one.member_id: one.rule for one in dues(session, policy)}
        assert (found[who(session, "ann").id], found[who(session, "bo").id]) == (0, -1)

    database.transact(work)


def test_a_second_import_of_the_same_file_changes_nothing(database: Database) -> None:
    take_over(database, TWO)
    changes = take_over(database, TWO)
    assert (changes.join, changes.change, changes.leave, changes.unchanged) == ((), (), (), 2)


def test_what_differs_is_told_and_written(database: Database) -> None:
    take_over(database, TWO)
    changes = take_over(
        database,
        TWO.replace("design,designer", "payments,engineer").replace(",bob@corp.example,pay", ",,pay"),
    )
    (change,) = changes.change
    assert change.fields == {
        "manager_email": ("bob@corp.example", ""),
        "team": ("design", "payments"),
        "role": ("designer", "engineer"),
    }
    ann = database.transact(lambda session: who(session, "ann").model_dump())
    assert (ann["team"], ann["manager_id"]) == ("payments", None)


def test_a_missing_column_is_empty_but_ids_and_what_was_learnt_stay(database: Database) -> None:
    take_over(database, TWO)
    take_over(database, "email,name\nann@corp.example,\nbob@corp.example,Bob\n")

    def look(session: Session) -> None:
        ann, bob = who(session, "ann"), who(session, "bob")
        assert (ann.name, ann.team, ann.manager_id) == ("Ann", "", None)
        assert (ann.locale, ann.timezone) == ("en", "Europe/Berlin")
        assert (bob.name, bob.gateway_id, bob.locale) == ("Bob", "b0b", "zh")
        assert len(addresses(session, ann.id)) == 2

    database.transact(look)


def test_a_file_that_says_the_same_as_before_does_not_overrule_what_somebody_chose(
    database: Database,
) -> None:
    take_over(database, TWO)

    def choose(session: Session) -> None:
        who(session, "ann").locale = "zh"

    database.transact(choose)
    take_over(database, TWO.replace("designer", "engineer"))
    assert database.transact(lambda session: who(session, "ann").locale) == "zh"
    take_over(database, TWO.replace(",en,", ",zh,"))
    take_over(database, TWO)
    assert database.transact(lambda session: who(session, "ann").locale) == "en"


def test_ids_may_change_hands_within_one_file(database: Database) -> None:
    take_over(database, TWO)
    take_over(database, TWO.replace("U1", "Ux").replace("U2", "U1").replace("Ux", "U2"))

    def look(session: Session) -> None:
        assert Member.at(session, "slack:U1").email == "bob@corp.example"
        assert Member.at(session, "slack:U2").email == "ann@corp.example"
        assert session.exec(select(func.count(col(Address.address)))).one() == 3

    database.transact(look)


def test_problems_of_the_file_and_with_people_who_are_here_come_together(database: Database) -> None:
    take_over(database, TWO)
    text = (
        HEADER
        + "Cy,cy@corp.example,U1,,b0b,ghost@corp.example,,,,,\n"
        + "Di,di@corp.example,,,,bad@corp.example,,,,,\n"
        + "Bad,bad@corp.example,,,,bob@corp.example,,,boss,,\n"
    )
    assert refused(database, text) == [
        (2, "gateway_id b0b belongs to bob@corp.example"),
        (2, "nobody has the manager_email ghost@corp.example, neither in the file nor here"),
        (2, "slack_id U1 belongs to ann@corp.example"),
        (4, "employment must be employee, contractor or intern, not boss."),
    ]
    assert database.transact(lambda session: session.exec(select(func.count(col(Member.id)))).one()) == 2


def test_an_id_moves_to_a_new_person_when_its_holder_leaves(company: Database) -> None:
    rows = company.transact(export_people).splitlines(keepends=True)
    renamed = "".join(row.replace("eve@corp.example", "eva@corp.example") for row in rows)
    assert (refused(company, renamed)) == [(10, "slack_id U09EVE belongs to eve@corp.example")]
    take_over(company, renamed, remove_missing=True)
    assert company.transact(lambda session: Member.at(session, "slack:U09EVE").email) == "eva@corp.example"


def test_a_source_that_cannot_know_a_column_leaves_it_as_it_stands(company: Database) -> None:
    def sync(session: Session) -> Changes:
        changes = compare(
            session, [Row(0, "eve@corp.example", name="Evelyn"), Row(0, "new@corp.example", team="it")]
        )
        apply(session, changes, NOW)
        return changes

    changes = company.transact(sync)
    assert [one.fields for one in changes.change] == [{"name": ("Eve", "Evelyn")}]

    def look(session: Session) -> None:
        eve, new = who(session, "eve"), who(session, "new")
        assert (eve.team, eve.role, eve.manager_id) == ("design", "designer", who(session, "carol").id)
        assert (new.name, new.team, new.employment) == ("new", "it", "employee")

    company.transact(look)


# --- joining and leaving, with quota ---------------------------------------------------------------------------------


def test_a_joiner_gets_the_days_that_are_left(company: Database) -> None:
    take_over(company, "name,email,team\nNew,new@corp.example,design\n")
    has = shown(company, "new")
    assert (has["base"], has["available"]) == ("73.34", "73.34")  # 22 of 30 days, rounded up to a cent
    assert not company.transact(audit).wrong


def test_before_the_first_policy_nobody_has_an_account(database: Database) -> None:
    take_over(database, TWO)
    assert database.transact(lambda session: session.exec(select(func.count(col(Account.id)))).one()) == 0


def test_a_tenth_may_leave_without_a_yes_and_more_may_not(company: Database) -> None:
    everybody = company.transact(export_people).splitlines(keepends=True)
    without_two = "".join(row for row in everybody if not row.startswith(("Eve", "Max")))
    with pytest.raises(TooManyLeave, match="2 of 12 people would leave, which is more than 10 %"):
        take_over(company, without_two, remove_missing=True)
    assert len(take_over(company, without_two).leave) == 0
    left = take_over(company, without_two, remove_missing=True, yes=True).leave
    assert {one.email for one in left} == {"eve@corp.example", "max@corp.example"}
    assert shown(company, "eve")["available"] == "0"
    assert company.transact(lambda session: who(session, "eve").left_at) == NOW
    assert not company.transact(audit).wrong


def test_one_of_ten_is_a_tenth() -> None:
    assert not Changes(leave=(object(),), active=10).many_leave  # type: ignore[arg-type]
    assert Changes(leave=(object(),), active=9).many_leave  # type: ignore[arg-type]


def test_who_left_comes_back_with_the_next_import(company: Database) -> None:
    everybody = company.transact(export_people)
    without = "".join(row for row in everybody.splitlines(keepends=True) if not row.startswith("Eve"))
    take_over(company, without, remove_missing=True)
    changes = take_over(company, everybody)
    assert [one.row.email for one in changes.join] == ["eve@corp.example"]
    eve = company.transact(lambda session: who(session, "eve").model_dump())
    assert (eve["left_at"], eve["joined_at"]) == (None, NOW)
    assert not company.transact(audit).wrong


def test_a_manager_who_has_left_is_still_somebody(company: Database) -> None:
    everybody = company.transact(export_people)
    without = "".join(row for row in everybody.splitlines(keepends=True) if not row.startswith("Carol"))
    take_over(company, without, remove_missing=True)
    assert shown(company, "carol")["available"] == "0"
    assert take_over(company, without, remove_missing=True).change == ()


# --- export ----------------------------------------------------------------------------------------------------------


def test_an_export_imports_without_a_change(company: Database) -> None:
    text = (
        HEADER.replace("\n", ",phone,=cmd\n")
        + '"=HYPERLINK(""http://x"")",ann@corp.example,U1,,,carol@corp.example,-team,+role,,zh,Asia/Shanghai,+86 139,@x\n'
    )
    take_over(company, text)
    exported = company.transact(export_people)
    assert exported.startswith(HEADER.replace("\n", ",phone,'=cmd\n"))
    assert "\n\"'=HYPERLINK(" in exported
    changes = company.transact(lambda session: survey(session, exported.encode(), remove_missing=True))
    assert (changes.join, changes.change, changes.leave, changes.unchanged) == ((), (), (), len(CAST) + 1)
    assert company.transact(lambda session: who(session, "ann").extra)["=cmd"] == "@x"


def test_a_thousand_people_take_few_round_trips(sqlite: Database) -> None:
    text = HEADER + "".join(
        f"P{n},p{n}@corp.example,U{n},d{n},,p{n // 9}@corp.example,t,r,,,\n" for n in range(1000)
    )
    statements: list[str] = []

    def count(_: object, __: object, statement: str, *more: object) -> None:
        statements.append(statement)

    event.listen(sqlite.engine, "before_cursor_execute", count)
    take_over(sqlite, text)
    assert len(statements) < 30
    event.remove(sqlite.engine, "before_cursor_execute", count)


def test_whoever_is_linked_by_a_file_is_told_where_they_are_and_where_they_were(company: Database) -> None:
    rows = company.transact(export_people)
    known = company.transact(lambda session: addresses(session, who(session, "bob").id)[0].address)
    moved = rows.replace(known.split(":")[1], "U0NEW", 1)
    assert moved != rows
    take_over(company, moved)
    said = {one.payload["address"]: one.payload["message"]["text"] for one in company.transact(said_by_now)}
    assert set(said) >= {"slack:U0NEW", known}
    assert all("U0NEW" in text for text in said.values())
    take_over(company, moved)
    assert len(company.transact(said_by_now)) == len(said)


def said_by_now(session: Session) -> list[Effect]:
    found = list(session.exec(select(Effect).where(Effect.kind == "say")).all())
    session.expunge_all()
    return found
