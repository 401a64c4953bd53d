"""The bot with its form made, on a policy whose requests go out as DingTalk's approvals."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from models.policy import versions
from tests.bot.messengers.dingtalk.approvals.steps import (
    OA,
    make_form,
)
from tests.company import NOW
from tests.dingtalk_env import DingTalkEnv, open_env


@pytest.fixture
async def env(settled_on: Callable[[str], str], request: pytest.FixtureRequest) -> AsyncIterator[DingTalkEnv]:
    more: dict[str, Any] = dict(getattr(request, "param", {}))
    kind, form = more.pop("kind", "sqlite"), more.pop("form", True)
    async with open_env(settled_on(kind), **({"language": "en"} | more)) as env:
        env.database.transact(lambda session: versions.record_version(session, OA, NOW, "ops") and None)
        if form:
            await make_form(env)
        await env.app.dispatcher.home("dingtalk:alice")  # the first query of a process is slow
        yield env
        env.audit()
