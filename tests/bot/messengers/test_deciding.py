"""Deciding on a request, on both messengers and in both languages: amounts, delegates, questions."""

from __future__ import annotations

import pytest

from tests.bot.messengers.test_conversations import EVERYWHERE, ZH, code_in, said, talk
from tests.conversation import Talk
from tests.slack_env import SlackEnv

__all__ = ["said", "talk"]


@pytest.mark.parametrize("talk", EVERYWHERE, indirect=True)
async def test_more_than_was_asked_is_granted_only_after_a_yes(talk: Talk, said: dict[str, str]) -> None:
    chinese = said is ZH
    code = code_in((await talk.say("alice", "申请 60" if chinese else "request 60")).text)
    await talk.hear("carol", code)
    echo = await talk.say("carol", f"同意 {code} 400" if chinese else f"approve {code} 400")
    assert (
        "超过 Alice 申请的 $60.00" if chinese else "more than the $60.00 that Alice asked for"
    ) in echo.text
    assert talk.left("alice") == 100
    await talk.say("carol", "确认" if chinese else "yes")
    assert talk.left("alice") == 500
    too_much = code_in((await talk.say("bob", "申请 60" if chinese else "request 60")).text)
    await talk.hear("carol", too_much)
    refused = await talk.say("carol", f"approve {too_much} 6000000")
    assert "$500.00" in refused.text
    assert "confirm.yes" not in refused.actions
    assert talk.left("bob") == 100
    talk.audit()


async def test_another_amount_is_chosen_in_a_form_and_above_the_asked_one_said_back(env: SlackEnv) -> None:
    await env.say("alice", "request 60")
    card = await env.hear("carol", "Alice")
    form = await env.press("carol", card, "request.other")
    assert "asked: $60.00; you can grant up to $60.00" in str(form.blocks)
    assert await env.fill("carol", form, amount="45") == {}
    await env.hear("alice", "Carol approved", "$45.00", "$60.00")
    assert env.left("alice") == 145
    await env.say("bob", "request 60")
    form = await env.press("carol", await env.hear("carol", "Bob"), "request.other")
    await env.fill("carol", form, amount="80")
    echo = await env.hear("carol", "more than the $60.00 that Bob asked for")
    assert env.left("bob") == 100
    await env.press("carol", echo, "confirm.yes")
    assert env.left("bob") == 180
