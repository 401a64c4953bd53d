"""Why a period begins with more or less than the base, read from what the close and the opening posted."""

from __future__ import annotations

import pytest

from bot.database import Database
from models.ledger.account import AccountKind
from models.ledger.transfer import Kind
from models.quota.opening import Opening, Touch, Turned, turned
from models.quota.period import Period
from tests.actions import USD, lend, spend, turn
from tests.company import CAST

ME, LENDER, BORROWER = 1, 2, 3
OWN = AccountKind.ALLOCATION


def touch(
    kind: Kind, amount: int, after: int, account: AccountKind = OWN, lender: int | None = None
) -> Touch:
    return Touch(ME, kind, account, amount, after, lender, lender and (BORROWER if lender == ME else ME), 70)


WHOLE = Turned(
    ME,
    (
        touch(Kind.RETURN, 10, 30, lender=ME), touch(Kind.EXPIRE, -25, 5), touch(Kind.EXPIRE, -7, 0, AccountKind.TOP_UP),
        touch(Kind.ALLOCATE, 100, 105), touch(Kind.FILL, -40, 65), touch(Kind.FILL, 40, -2, AccountKind.OVERDRAFT),
        touch(Kind.REPAY, -15, 50, lender=LENDER), touch(Kind.REPAY, 4, 54, lender=ME), touch(Kind.REPAY, 6, 60, lender=ME),
    ),
)  # fmt: skip


def test_an_opening_names_what_was_carried_filled_repaid_and_came_back() -> None:
    entries = [
        ("expire", -25, 5),
        ("allocate", 100, 105),
        ("fill", -40, 65),
        ("repay", -15, 50),
        ("repay", 4, 54),
    ]
    assert Opening.of(entries) == Opening(given=100, carried=5, filled=40, repaid=15, returned=4)
    more = [*entries, ("repay", 1, 55), ("repay", 2, 57)]
    assert Opening.of(more) == Opening(given=100, carried=5, filled=40, repaid=15, returned=7)


def test_an_opening_of_the_base_alone_is_plain() -> None:
    found = Opening.of([("expire", -25, 0), ("allocate", 100, 100)])
    assert found is not None
    assert found.plain
    assert not Opening(100, carried=1).plain


def test_where_nothing_was_allocated_there_was_no_opening() -> None:
    assert Opening.of([("expire", -25, 0)]) is None


def test_the_close_ends_where_the_new_period_gives() -> None:
    assert [one.kind for one in WHOLE.closing().touches] == ["return", "expire", "expire"]
    assert WHOLE.opening().touches == WHOLE.touches[3:]
    no_base = Turned(ME, WHOLE.touches[:3])
    assert (no_base.closing().touches, no_base.opening().touches) == (no_base.touches, ())
    repaid = Turned(ME, (*no_base.touches, WHOLE.touches[-1]))
    assert repaid.opening().touches == WHOLE.touches[-1:], "without a base, what came back begins it"


def test_the_figures_of_a_turn() -> None:
    assert (WHOLE.begins_with(), WHOLE.given(), WHOLE.carried(), WHOLE.still_over()) == (60, 100, 5, 2)
    nothing = Turned(ME, ())
    assert (nothing.begins_with(), nothing.given(), nothing.carried(), nothing.still_over()) == (
        None,
        0,
        0,
        0,
    )
    assert Turned(ME, WHOLE.touches[:2]).carried() == 5, "without a base it is what was left"


def test_sums_are_by_the_other_party_and_of_one_direction() -> None:
    assert WHOLE.sums(Kind.REPAY, OWN, inward=True) == {BORROWER: 10}
    assert WHOLE.sums(Kind.REPAY, OWN, inward=False) == {LENDER: 15}
    assert WHOLE.sums(Kind.EXPIRE, AccountKind.TOP_UP, inward=False) == {70: 7}, "of a grant: by its account"


@pytest.mark.parametrize(
    ("more", "plain"),
    [
        ((), True),
        ((touch(Kind.REPAY, -1, 9),), False),
        ((touch(Kind.EXPIRE, -1, 0, AccountKind.TOP_UP),), False),
    ],
)
def test_the_rest_expired_and_the_base_given_is_no_news(more: tuple[Touch, ...], plain: bool) -> None:
    assert Turned(ME, (touch(Kind.EXPIRE, -25, 0), touch(Kind.ALLOCATE, 100, 100), *more)).plain is plain


def test_what_a_turn_did_is_read_in_pages_of_people(company: Database) -> None:
    lend(company, "alice", "bob", 50)
    spend(company, "bob", 120)
    turn(company)

    def page(after: int, most: int) -> tuple[list[Turned], int | None]:
        return company.transact(lambda session: turned(session, Period.current(session), after, most))

    assert page(0, 0) == page(len(CAST), 5) == ([], None)
    first, last = page(0, 1)
    (alice,) = first
    assert (alice.member_id, last) == (1, 1)
    assert [(one.kind, one.amount // USD, one.balance_after // USD) for one in alice.touches] == [
        ("return", 30, 80), ("expire", -80, 0), ("allocate", 100, 100), ("repay", 20, 120),
    ]  # fmt: skip
    assert {(one.lender_id, one.borrower_id) for one in alice.touches} == {(1, 2), (None, None)}
    rest, last = page(1, len(CAST))
    assert ([one.member_id for one in rest[:3]], last) == ([2, 3, 4], len(CAST))
    assert (rest[0].begins_with(), rest[0].given()) == (80 * USD, 100 * USD)


def test_what_was_left_is_what_the_base_came_on_top_of() -> None:
    turn_ = (
        touch(Kind.EXPIRE, -25, 5),
        touch(Kind.EXPIRE, -7, 3, AccountKind.TOP_UP),
        touch(Kind.EXPIRE, -1, 4),
    )
    assert Turned(ME, turn_).carried() == 4
    assert Turned(ME, (*turn_, touch(Kind.ALLOCATE, 100, 108))).carried() == 8


def test_a_touch_of_nothing_is_in_neither_sum() -> None:
    touches = (touch(Kind.REPAY, 1, 1, lender=ME), touch(Kind.REPAY, 2, 3, lender=ME))
    assert Turned(ME, touches).sums(Kind.REPAY, OWN, inward=True) == {BORROWER: 3}
