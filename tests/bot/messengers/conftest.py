"""A talk on a messenger, in a language, on a database: the parameter of `talk` names them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from tests import dingtalk_env, slack_env
from tests.conversation import DingTalkTalk, SlackTalk, Talk


@pytest.fixture
async def talk(request: pytest.FixtureRequest, settled_on: Callable[[str], str]) -> AsyncIterator[Talk]:
    messenger, language, *kind = request.param.split("-")
    url = settled_on(kind[0] if kind else "sqlite")
    if messenger == "slack":
        async with slack_env.open_env(url, language=language) as on_slack:
            yield SlackTalk(on_slack)
    else:
        async with dingtalk_env.open_env(url, language=language) as on_dingtalk:
            yield DingTalkTalk(on_dingtalk)
