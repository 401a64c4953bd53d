"""How things look in Slack: always within Block Kit's limits, whatever people are called and whatever they wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.models.views import View
from sqlmodel import Session, select

from bot.database import Database
from bot.messengers.slack.render import answers, cut, home, modal, mrkdwn, plain, render
from handlers import asking, balance, forms, lending, requests
from handlers import home as page
from handlers.approval.cards import request_card
from models.messages.message import Button, Chart, Field, Form, Message, clean, escape
from models.messages.outbox import Effect
from models.people.member import Address, Member
from models.quota.allocation import welcome_all
from models.quota.loan import Loan
from models.quota.request import open_request
from sandbox.slack.block_kit.checks import check_message, check_view
from tests.company import NOW, asks, who
from tests.slack_env import settled_copy

NASTY = "<!channel> <@U02BOB> *b* _i_ ~s~ `c` [l](http://x) > q & &lt; \\ ** ** ``` \u202e 一二三"


def fits(message: Message) -> str:
    """Draw it, hold it against the vendor's limits, and return all that is drawn."""
    for charts in (True, False):
        text, blocks = render(message, charts=charts)
        check_message(text, blocks)
        drawn = json.dumps([text, blocks], ensure_ascii=False)
        assert "<!" not in drawn
        assert "<@" not in drawn
    return drawn


words = st.text(st.sampled_from("ab一二<>&*_`\\[]()!#@~|\n "), max_size=80)


@given(
    st.builds(
        lambda title, body, fact: Message(
            text=escape(body), title=escape(title), facts=((escape(fact), escape(body)),)
        ),
        words,
        words,
        words,
    )
)
def test_what_people_type_is_shown_as_typed_and_breaks_nothing(message: Message) -> None:
    drawn = fits(message)
    assert "<" not in drawn


@pytest.mark.parametrize(
    "typed", [NASTY, "a" * 5000, "中" * 5000, "&" * 3500, "<" * 3500, "*" * 4000, "\n" * 400, "`" * 3001]
)
def test_everything_long_is_cut_to_size(typed: str) -> None:
    said = escape(typed)
    message = Message(
        text=said, title=said, preview=said, footnote=said, facts=tuple((said[:200], said) for _ in range(23)),
        buttons=tuple(Button(said, f"request.open{number}", typed[:3000]) for number in range(30)),
        chart=Chart(said, tuple((said[:500], float(number), "1") for number in range(9))), parts=tuple(Message(text=said) for _ in range(70)),
    )  # fmt: skip
    fits(message)


def test_text_is_cut_by_signs_and_never_inside_an_entity() -> None:
    assert cut("一二三四五六", 4) == "一二三…"
    assert cut("ab&amp;cd", 6) == "ab…"
    assert cut("ab&amp;cd", 9) == "ab&amp;cd"
    assert cut("👍👍👍", 2) == "👍…"
    assert len(cut("&amp;" * 1000, 3000)) <= 3000


def test_a_reason_of_five_thousand_signs_is_kept_to_three_hundred() -> None:
    assert len(clean("理" * 5000)) == 300
    assert clean("理" * 5000).endswith("…")
    assert clean("a\u202eb\x00c\ud800\n\nd") == "abc d"


def test_markdown_becomes_slacks() -> None:
    assert mrkdwn("**50** of `x` & <y>\n> quoted **b**") == "*50* of `x` &amp; &lt;y&gt;\n> quoted *b*"
    assert mrkdwn(r"\*\*not bold\*\* \`no code\`") == "**not bold** `no code`"
    assert plain(r"**50** of `x` \*a\*") == "50 of x *a*"


def test_bars_are_slacks_own_chart_where_they_fit_one_and_signs_elsewhere() -> None:
    chart = Chart("By model", (("claude", 20.0, "$20.00"), ("gpt-5 and a long name", 10.0, "$10.00")))
    (block,) = render(Message(text="", chart=chart), charts=True)[1]
    assert block["type"] == "data_visualization"
    assert block["chart"]["axis_config"]["categories"] == ["claude", "gpt-5 and a long na…"]
    assert [point["value"] for point in block["chart"]["series"][0]["data"]] == [20.0, 10.0]
    alike = Chart("By model", tuple((f"a name that is quite long {n}", 1.0, "$1.00") for n in range(2)))
    crowd = Chart("By model", tuple((f"m{n}", 1.0, "$1.00") for n in range(21)))
    for one, charts in ((chart, False), (alike, True), (crowd, True)):
        (block,) = render(Message(text="", chart=one), charts=charts)[1]
        assert "█" in block["text"]["text"]


@pytest.mark.parametrize("length", [10, 300])
@pytest.mark.parametrize("locale", ["en", "zh"])
def test_forms_are_views_that_slack_takes(locale: str, length: int) -> None:
    fields = tuple(
        Field(kind, "名" * length, kind, value="5" if kind == "text" else "", optional=kind == "date")
        for kind in ("text", "long", "person", "date")
    )
    form = Form("lend.new", "标题" * length, "提交" * length, "返回" * length, fields, value="7F3K")
    view = modal(form, {"x": 1})
    check_view(view)
    View(**view).validate_json()
    assert json.loads(view["private_metadata"])["value"] == "7F3K"


def test_what_was_filled_in_is_read_by_field_whatever_else_arrives() -> None:
    values = {
        "amount": {"value": {"type": "plain_text_input", "value": "50"}}, "person": {"value": {"selected_user": "U02BOB"}},
        "until": {"value": {"selected_date": "2026-12-15"}}, "reason": {"value": {"value": None}}, "odd": {"other": 5}, "odder": [1],
    }  # fmt: skip
    found = answers({"state": {"values": values}})
    assert (found["amount"], found["person"], found["until"], found["reason"]) == (
        "50",
        "U02BOB",
        "2026-12-15",
        "",
    )
    assert answers({}) == {}


# What the handlers say, with awkward names and long lists


@pytest.fixture
def awkward(settled_template: Path, tmp_path: Path) -> Iterator[Database]:
    """A town where people have names like nobody's."""
    database = Database(settled_copy(settled_template, tmp_path))

    def rename(session: Session) -> None:
        for name in ("alice", "bob", "pia", "lee"):
            member = who(session, name)
            member.name, member.team = f"{NASTY}{'欧阳' * 60}", member.team
            session.add(member)

    database.transact(rename)
    yield database
    database.close()


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_what_the_handlers_say_fits_whatever_people_are_called(awkward: Database, locale: str) -> None:
    def work(session: Session) -> None:
        alice, bob, pia = (who(session, name) for name in ("alice", "bob", "pia"))
        for one in (alice, bob, pia, who(session, "lee")):
            one.locale = locale
        reason = NASTY * 20
        fits(lending.lend(asks(session, "alice", key="1"), bob, 5_000_000, reason))
        fits(asking.borrow(asks(session, "bob", key="2"), who(session, "eve"), 5_000_000, reason))
        ctx = asks(session, "pia", key="3")
        fits(requests.request(ctx, 300_000_000, reason))  # type: ignore[arg-type]
        asked = open_request(session, pia.id)
        assert asked is not None
        for shape, to in (("full", who(session, "lee")), ("small", None)):
            fits(request_card(ctx, asked, shape, to))
        check_view(modal(forms.decline_form(asks(session, "lee"), asked.code), {}))
        for name in ("alice", "bob", "pia", "lee"):
            for shown in (balance.balance, balance.history, balance.help_, lending.loans):
                fits(shown(asks(session, name)))
            check_view(home(page.home(asks(session, name))))
        for effect in session.exec(select(Effect)).all():
            if "message" in effect.payload:
                fits(Message.from_json(effect.payload["message"]))

    awkward.transact(work)


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_fifty_loans_are_shown_as_the_first_ones_and_a_count(
    settled_template: Path, tmp_path: Path, locale: str
) -> None:
    database = Database(settled_copy(settled_template, tmp_path))

    def work(session: Session) -> None:
        eve = who(session, "eve")
        eve.locale = locale
        for number in range(50):
            email = f"p{number}@corp.example"
            member = Member(name=f"欧阳{number}", email=email, gateway_id=email, team="design", joined_at=NOW)
            session.add(member)
            session.flush()
            Address.give(session, member, f"slack:U9{number}")
            ctx = asks(session, "eve", key=f"seed{number}")
            welcome_all(session, [member.id], NOW)
            Loan.make(
                session, lender=eve, borrower=member, amount=1_000_000, policy=ctx.policy, cause=ctx.cause()
            )
        ctx = asks(session, "eve")
        shown, full = lending.loans(ctx), page.home(ctx)
        drawn = fits(shown)
        assert "38" in shown.parts[-1].text
        assert drawn.count("loan.recall") == lending.MOST
        view = home(full)
        check_view(view)
        assert "42" in json.dumps(view, ensure_ascii=False)

    database.transact(work)
    database.close()
