"""What people say beside commands: short answers, a bare number, thanks, a greeting, nonsense; on both messengers."""

from __future__ import annotations

import pytest

from bot.messengers.port import Request
from handlers.language.reader import read_command
from models.messages.message import Message
from tests.company import NOW
from tests.conversation import Talk
from tests.slack_env import CHANNEL, SlackEnv, slack_id

ENGLISH = ("slack-en", "dingtalk-en")
LABELS = {
    "en": ("What I have left", "Ask for more", "Lend"),
    "zh": ("我还剩多少", "申请额度", "借给同事"),
}
EVERYWHERE = (*ENGLISH, "slack-zh", "dingtalk-zh")


@pytest.mark.parametrize("talk", ENGLISH, indirect=True)
async def test_a_short_human_yes_counts_and_the_echo_shows_reason_and_day(talk: Talk) -> None:
    echo = await talk.say("alice", "give @bob 20 for the demo until friday")
    for words in ("$20.00", "Bob", "the demo", "until"):
        assert words in echo.text
    assert "You lent $20.00 to Bob" in (await talk.say("alice", ["sure", "👍🏽"][0])).text
    assert talk.left("bob") == 120


@pytest.mark.parametrize("talk", ENGLISH, indirect=True)
@pytest.mark.parametrize("no", ["no thanks", "nah", "no, wrong amount", "算了吧", "👎"])
async def test_after_a_no_in_any_form_a_later_yes_moves_nothing(talk: Talk, no: str) -> None:
    await talk.say("alice", "could you give @bob 20 please")
    assert "nothing was changed" in (await talk.say("alice", no)).text
    assert "nothing waiting" in (await talk.say("alice", "yes")).text
    assert talk.left("bob") == 100


@pytest.mark.parametrize("talk", ENGLISH, indirect=True)
async def test_one_question_fills_one_hole(talk: Talk) -> None:
    assert "How much for Bob?" in (await talk.say("alice", "lend @bob")).text
    echo = await talk.say("alice", "50")
    assert "Lend $50.00 to Bob" in echo.text
    assert talk.left("bob") == 100
    await talk.press("alice", echo, "confirm.yes")
    assert talk.left("bob") == 150
    assert "did not get that" in (await talk.say("alice", "50")).text
    await talk.say("alice", "lend @bob")
    await talk.say("alice", "flurb the gribble")
    assert "Lend $30.00 to Bob" in (await talk.say("alice", "30")).text


@pytest.mark.parametrize("talk", ["slack-en", "dingtalk-zh"], indirect=True)
async def test_a_loan_for_nobody_asks_to_whom_and_a_name_answers(talk: Talk) -> None:
    assert (await talk.say("alice", "lend 50")).text in (
        "Lend $50.00 to whom? Just send the name.",
        "$50.00 借给谁？直接回复姓名就行。",
    )
    assert "Zebedee" in (await talk.say("alice", "Zebedee")).text
    echo = await talk.say("alice", "bob")
    assert "$50.00" in echo.text
    assert "Bob" in echo.text
    assert talk.left("bob") == 100
    await talk.say("alice", "ok")
    assert talk.left("bob") == 150


@pytest.mark.parametrize("talk", ENGLISH, indirect=True)
async def test_a_question_for_a_number_is_not_answered_by_a_yes(talk: Talk) -> None:
    await talk.say("alice", "lend @bob")
    assert "nothing waiting" in (await talk.say("alice", "yes")).text
    assert talk.left("bob") == 100


@pytest.mark.parametrize("talk", ENGLISH, indirect=True)
async def test_a_target_is_asked_back(talk: Talk) -> None:
    assert "How much more do you need" in (await talk.say("alice", "raise my limit to 500")).text
    assert "Ask your manager for $50.00" in (await talk.say("alice", "just 50")).text


@pytest.mark.parametrize("talk", EVERYWHERE, indirect=True)
async def test_thanks_and_greetings_are_answered_like_a_human(talk: Talk) -> None:
    assert (await talk.say("alice", "thanks!")).text.strip() == "👍"
    hello = await talk.say("alice", "hello")
    for label in LABELS["zh" if "你好" in hello.text else "en"]:
        assert label in hello.text


@pytest.mark.parametrize("env", ["socket-sqlite-en"], indirect=True)
async def test_an_offer_is_a_button_that_works(env: SlackEnv) -> None:
    hello = await env.say("alice", "hello")
    assert {"balance.open", "request.open", "lend.open"} <= set(hello.actions)
    assert "$100.00" in (await env.press("alice", hello, "balance.open")).shown


@pytest.mark.parametrize("talk", ["slack-en"], indirect=True)
async def test_a_sentence_is_read_as_the_button_says(talk: Talk) -> None:
    offered = await talk.say("alice", "did he approve AB12?")
    assert "did not get that" in offered.text
    assert "AB12" in (await talk.press("alice", offered, "meant.open"))
    assert "approve CODE" in (await talk.press("alice", offered, "meant.open"))  # once only


@pytest.mark.parametrize("talk", ENGLISH, indirect=True)
async def test_what_is_not_understood_offers_what_may_have_been_meant(talk: Talk) -> None:
    nonsense = await talk.say("alice", "flurb the gribble")
    assert "did not get that; nothing was changed" in nonsense.text
    assert all(label in nonsense.text for label in LABELS["en"])
    assert "not ranked" in (await talk.say("alice", "who uses the most?")).text
    assert "Only colleagues" in (await talk.say("alice", "can contractors borrow quota?")).text


@pytest.mark.parametrize("env", ["socket-sqlite-en"], indirect=True)
async def test_in_a_channel_what_may_not_be_meant_for_us_is_left_alone(env: SlackEnv) -> None:
    request = Request(
        "small:1", f"slack:{slack_id('alice')}", read_command("flurb", NOW.date()), place=CHANNEL
    )
    outcome = await env.app.dispatcher.handle(request)
    assert isinstance(outcome.message, Message)
    assert outcome.message.text == ""
