"""What arrives from Slack: who is a colleague on a Grid, what comes from elsewhere, and that every message is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from models.messages.outbox import Effect
from models.people.member import Address
from sandbox.slack import payloads
from sandbox.slack.transport import COMMAND, EVENT, INTERACTION
from sandbox.slack.workspace import Channel, Person
from tests.company import who
from tests.slack_env import CHANNEL, SlackEnv, open_env, settled_copy, slack_id

SISTER, GRID = "T0SISTER", "E0CORP"
GUEST = Person("U91GUEST", "gus", "Gus Guest", "gus@out.example", is_restricted=True)
SHARED = Channel("C0SHARED", "partners", ["U01ALICE", "U02BOB", "U0QUOTABOT"], is_ext_shared=True)
OPEN = Channel("C0OPEN", "with-guests", ["U01ALICE", "U02BOB", "U91GUEST", "U0QUOTABOT"])
WORDS = {"en": "figures are private", "zh": "请私聊我"}


@pytest.fixture(params=["socket", "http"])
async def grid(
    request: pytest.FixtureRequest, settled_template: Path, tmp_path: Path
) -> AsyncIterator[SlackEnv]:
    """A workspace of a Grid in which Bob and his manager Carol are at home in a sister workspace."""
    async with open_env(
        settled_copy(settled_template, tmp_path), mode=request.param, enterprise_id=GRID
    ) as env:
        for name in ("bob", "carol"):
            person = env.slack.people[slack_id(name)]
            env.slack.people[person.id] = replace(person, team_id=SISTER)
        yield env


@pytest.fixture
async def open_channels(settled_template: Path, tmp_path: Path) -> AsyncIterator[SlackEnv]:
    async with open_env(
        settled_copy(settled_template, tmp_path), people=(GUEST,), channels=(SHARED, OPEN)
    ) as env:
        yield env


# A Grid


async def test_a_colleague_of_a_sister_workspace_asks_and_their_managers_click_counts(grid: SlackEnv) -> None:
    await grid.say("bob", "request 300 load test", channel=CHANNEL)
    card = await grid.hear("carol", "300")
    await grid.press("carol", card, "request.approve")
    await grid.hear("bob", "300", "Carol")
    assert grid.left("bob") == 400
    assert (await grid.command("bob", "lend @alice 20")).shown
    assert grid.left("bob") == 380


async def test_a_payload_never_overwrites_the_record_of_a_colleague(grid: SlackEnv) -> None:
    """A mention that claims to be of yet another workspace, and then an ordinary command."""
    ts = grid.slack.post(CHANNEL, slack_id("alice"), "<@U0QUOTABOT> balance")
    body = payloads.said(grid.slack, grid.slack.person(slack_id("alice")), ts, "app_mention")
    body["event"]["user_team"] = "T0ELSE"
    await grid.slack.deliver(EVENT, body)
    await grid.command("alice", "lend @max 10")
    assert grid.left("alice") == 90


async def test_the_people_of_another_enterprise_are_outsiders_on_a_grid_as_well(grid: SlackEnv) -> None:
    fay = Person("U93FAR", "fay", "Fay", "max@corp.example", team_id="T0FAR", enterprise_id="E0OTHER")
    grid.slack.people[fay.id] = fay
    answer = await grid.command("U93FAR", "balance")
    assert "colleagues of this workspace only" in answer.shown
    refused = await grid.command("alice", "lend @fay 10")
    assert grid.left("alice") == 100, refused.shown


# What is not meant for us

FOREIGN: list[dict[str, Any]] = [
    {"api_app_id": "A0OTHER"},
    {"team_id": "T0OTHER", "context_team_id": "T0OTHER", "authorizations": []},
    {"enterprise_id": "E0OTHER", "team_id": "T0OTHER"},
]


@pytest.mark.parametrize("env", ["socket-sqlite", "http-sqlite"], indirect=True)
@pytest.mark.parametrize("facts", FOREIGN, ids=["app", "workspace", "enterprise"])
async def test_what_another_app_workspace_or_enterprise_is_sent_moves_nothing(
    env: SlackEnv, facts: dict[str, Any]
) -> None:
    alice, before = env.slack.person(slack_id("alice")), env.everything()
    message = env.slack.post(env.slack.dm(alice.id).id, alice.id, "lend <@U02BOB> 10")
    event = payloads.said(env.slack, alice, message, "message") | facts
    _, url = env.slack.new_response_url(alice.id, CHANNEL)
    typed = payloads.command(
        env.slack,
        alice,
        env.slack.channel(CHANNEL),
        name="/quota",
        text="lend <@U02BOB> 10",
        response_url=url,
    )
    card = env.slack.post(env.slack.dm(alice.id).id, env.slack.bot.id, "x")
    element = {"action_id": "borrow.yes", "block_id": "b", "type": "button", "value": "AAAA"}
    action = payloads.action(env.slack, element, "AAAA")
    press = payloads.press_on_message(env.slack, alice, card, action, url)
    press |= {"api_app_id": facts.get("api_app_id", press["api_app_id"])}
    if "team_id" in facts:
        press |= {"team": {"id": facts["team_id"]}, "enterprise": {"id": facts.get("enterprise_id")}}
    typed |= {name: value for name, value in facts.items() if isinstance(value, str)}
    for kind, payload in ((EVENT, event), (COMMAND, typed), (INTERACTION, press)):
        assert (await env.slack.deliver(kind, payload)).ok
    await env.settled()
    assert env.everything() == before


# Channels that outsiders read


@pytest.mark.parametrize("place", [SHARED.id, OPEN.id])
async def test_where_outsiders_read_no_card_stands_in_the_thread_and_the_answer_comes_in_private(
    open_channels: SlackEnv, place: str
) -> None:
    env = open_channels
    top = env.slack.post(place, slack_id("alice"), "we need more")
    await env.say("alice", "request 300 load test", channel=place, thread=top.ts)
    await env.hear("carol", "300")
    await env.settled()
    assert env.in_thread(top.ts) == []
    assert WORDS["en"] in "".join(one.shown for one in env.slack.messages if one.ephemeral_for == "U01ALICE")
    assert any("Carol" in words for words in env.heard("alice"))


async def test_among_colleagues_the_small_card_stands_in_the_thread(open_channels: SlackEnv) -> None:
    env = open_channels
    top = env.slack.post(CHANNEL, slack_id("alice"), "we need more")
    await env.say("alice", "request 300 load test", channel=CHANNEL, thread=top.ts)
    await env.until(lambda: env.in_thread(top.ts) or None)


async def test_where_the_readers_cannot_be_seen_there_is_no_card(open_channels: SlackEnv) -> None:
    env = open_channels
    env.slack.faults.refuse("conversations.info", error="missing_scope", times=None)
    top = env.slack.post(CHANNEL, slack_id("alice"), "we need more")
    answer = await env.say("alice", "request 300 load test", channel=CHANNEL, thread=top.ts)
    assert "Carol" in answer.shown
    await env.hear("carol", "300")
    await env.settled()
    assert env.in_thread(top.ts) == []


# Every message gets an answer


@pytest.mark.parametrize("subtype", ["file_share", "thread_broadcast", "me_message", "something_new"])
async def test_every_kind_of_message_by_a_person_is_answered(env: SlackEnv, subtype: str) -> None:
    await env.slack.say(slack_id("alice"), "balance", subtype=subtype)
    await env.hear("alice", "$100.00")


async def test_a_picture_with_words_is_read_and_one_without_is_answered(env: SlackEnv) -> None:
    await env.slack.say(slack_id("alice"), "balance", files=["chart.png"])
    await env.hear("alice", "$100.00")
    await env.slack.say(slack_id("bob"), "", files=["chart.png"])
    await env.hear("bob", "没有文字")


@pytest.mark.parametrize("subtype", ["message_changed", "channel_join", "bot_message"])
async def test_what_nobody_wrote_to_us_is_left_alone(env: SlackEnv, subtype: str) -> None:
    await env.slack.say(slack_id("alice"), "balance", subtype=subtype)
    await env.command("bob", "balance")
    await env.settled()
    assert env.heard("alice") == []


# Addresses that came in a payload


async def test_a_response_url_elsewhere_is_not_called_and_a_redirect_is_not_followed(env: SlackEnv) -> None:
    api = env.app.messengers["slack"].api
    for url, trusted in (
        ("https://hooks.slack.com/commands/T1/2/x", True), ("https://hooks.slack-gov.com/actions/x", True), (f"{env.slack.url}response/x", True),
        ("http://hooks.slack.com/x", False), ("https://slack.com.evil.example/x", False), ("https://evilslack.com/x", False),
        ("http://169.254.169.254/latest", False), ("http://127.0.0.1:1/x", False), ("//x", False), ("", False),
    ):  # fmt: skip
        assert bool(api.trusted(url)) is trusted, url


async def test_an_unconfirmed_email_links_nobody(settled_template: Path, tmp_path: Path) -> None:
    sam = Person("U90SAM", "sam", "Sam", "eve@corp.example", email_unconfirmed=True)
    url = settled_copy(settled_template, tmp_path)
    async with open_env(url, people=(sam,), slack_link_by_email=True) as env:
        await env.command("U90SAM", "balance")
        assert env.database.transact(lambda session: session.get(Address, "slack:U90SAM")) is None


@pytest.mark.parametrize(
    ("language", "words"), [("en", "If it is not your account, tell"), ("zh", "如果那不是你的账号")]
)
async def test_whoever_is_linked_by_email_is_told_at_every_address(
    settled_template: Path, tmp_path: Path, language: str, words: str
) -> None:
    """Eve was known on DingTalk only; an account with her e-mail shows up on Slack."""
    url = settled_copy(settled_template, tmp_path)
    new = Person("U90NEW", "eva", "Eva", "eve@corp.example")
    async with open_env(url, language=language, people=(new,), slack_link_by_email=True) as env:

        def only_on_dingtalk(session: Session) -> None:
            session.delete(session.get_one(Address, f"slack:{slack_id('eve')}"))
            session.flush()
            Address.give(session, who(session, "eve"), "dingtalk:eve1")

        env.database.transact(only_on_dingtalk)
        await env.command("U90NEW", "balance")
        await env.hear("U90NEW", words, "eve@corp.example", "slack")
        to = env.database.transact(
            lambda session: [
                one.payload["address"]
                for one in session.exec(select(Effect).where(Effect.kind == "say")).all()
            ]
        )
        assert sorted(to) == ["dingtalk:eve1", "slack:U90NEW"]
        await env.command("U90NEW", "balance")
        assert len([one for one in env.heard("U90NEW") if words in one]) == 1
