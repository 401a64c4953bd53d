"""What the stand-in Slack refuses, as the vendor does."""

import re

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.workspace import RateLimits, Workspace
from tests.slack_app import CHANNELS, FORM, PEOPLE, Clock, buttons, plain, section


@pytest.fixture
async def slack():
    async with Workspace(people=PEOPLE, channels=CHANNELS) as workspace:
        yield workspace


@pytest.fixture
def client(slack) -> AsyncWebClient:
    return AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)


CHART = {
    "type": "data_visualization",
    "title": "This month",
    "chart": {
        "type": "line",
        "series": [{"name": "used", "data": [{"label": "1", "value": 3}, {"label": "2", "value": 5}]}],
        "axis_config": {"categories": ["1", "2"]},
    },
}


async def test_blocks_within_the_limits_pass(slack, client):
    blocks = [
        {"type": "header", "text": plain("x" * 150)},
        section("x" * 3000),
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 100}] * 10},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 10},
        buttons(*(f"a{number}" for number in range(25)), value="v" * 2000),
        {"type": "markdown", "text": "**x**"},
        {"type": "table", "rows": [[{"type": "raw_text", "text": "cell"}] * 20]},
        CHART,
        CHART,
    ]

    assert (await client.chat_postMessage(channel="C01", text="all of it", blocks=blocks))["ok"]
    assert list(slack.violations) == []


@pytest.mark.parametrize(
    ("blocks", "fault"),
    [
        ([{"type": "divider"}] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
        ([section("x" * 3001)], "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
        ([section("")], "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
        ([{"type": "section"}], "must define either `text` or `fields` [json-pointer:/blocks/0]"),
        ([{"type": "section", "fields": [plain("x")] * 11}], "no more than 10 items allowed"),
        ([{"type": "section", "fields": [plain("x" * 2001)]}], "/blocks/0/fields/0/text"),
        ([{"type": "header", "text": plain("x" * 151)}], "must be less than 151 characters"),
        ([{"type": "context", "elements": [plain("x")] * 11}], "no more than 10 items allowed"),
        ([buttons(*(f"a{number}" for number in range(26)))], "no more than 25 items allowed"),
        ([buttons("x" * 256)], "/blocks/0/elements/0/action_id"),
        ([buttons("a", value="x" * 2001)], "/blocks/0/elements/0/value"),
        ([buttons("a", "a")], "`action_id` must be unique: a"),
        (
            [section("a") | {"block_id": "b"}, section("c") | {"block_id": "b"}],
            "`block_id` must be unique: b",
        ),
        (
            [{"type": "actions", "elements": [{"type": "button", "text": plain("x" * 76)}]}],
            "less than 76 characters",
        ),
        ([{"type": "hologram"}], "unsupported type: hologram [json-pointer:/blocks/0/type]"),
        ([{"type": "alert", "text": plain("x")}], "modals only"),
        ([{"type": "markdown", "text": "x" * 6001}] * 2, "markdown blocks must be less than 12001"),
        ([CHART] * 3, "no more than 2 data_visualization"),
        ([CHART | {"title": "x" * 51}], "/blocks/0/title"),
        (
            [CHART | {"chart": CHART["chart"] | {"series": CHART["chart"]["series"] * 7}}],
            "no more than 6 items",
        ),
        ([{"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]] * 101}], "no more than 100 items"),
        ([{"type": "rich_text", "elements": "nonsense"}], "[json-pointer:/blocks/0/elements]"),
        ([{"type": "context_actions", "elements": []}], "failed to match all allowed schemas"),
        (["nonsense"], "unsupported type"),
    ],
)
async def test_a_block_beyond_a_limit_is_refused_with_its_place(slack, client, blocks, fault):
    with pytest.raises(SlackApiError, match="invalid_blocks") as caught:
        await client.chat_postMessage(channel="C01", text="x", blocks=blocks)

    messages = caught.value.response["response_metadata"]["messages"]
    assert any(fault in message for message in messages), messages
    assert fault in slack.violations[-1].what
    assert slack.messages == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"title": plain("x" * 25)}, "must be less than 25 characters [json-pointer:/view/title/text]"),
        ({"submit": plain("x" * 25)}, "/view/submit/text"),
        ({"submit": None}, "`submit` is required"),
        ({"private_metadata": "x" * 3001}, "/view/private_metadata"),
        ({"callback_id": "x" * 256}, "/view/callback_id"),
        (
            {"blocks": [{"type": "divider"}] * 101},
            "no more than 100 items allowed [json-pointer:/view/blocks]",
        ),
    ],
)
async def test_a_view_beyond_a_limit_is_refused_and_the_trigger_stays_good(slack, client, change, fault):
    trigger = slack.trigger("U01")

    with pytest.raises(SlackApiError, match=re.escape(fault)):
        await client.views_open(trigger_id=trigger, view=FORM | change)

    assert (await client.views_open(trigger_id=trigger, view=FORM))["ok"]


async def test_totals_are_limited_too(slack, client):
    with pytest.raises(SlackApiError, match="msg_blocks_too_long"):
        await client.chat_postMessage(channel="C01", text="x", blocks=[section("x" * 2700)] * 5)
    with pytest.raises(SlackApiError, match="view_too_large"):
        await client.views_open(
            trigger_id=slack.trigger("U01"), view=FORM | {"blocks": [section("x" * 2999)] * 90}
        )
    posted = await client.chat_postMessage(channel="C01", text="x")
    with pytest.raises(SlackApiError, match="msg_too_long"):
        await client.chat_update(channel="C01", ts=posted["ts"], text="x" * 4001)


async def test_a_thing_that_slack_advises_against_is_kept_as_a_violation(slack, client):
    with pytest.warns(UserWarning, match="text"):
        await client.chat_postMessage(channel="C01", blocks=[section("no text beside me")])
    await client.chat_postMessage(channel="C01", text="for <!channel>")
    await client.chat_postMessage(
        channel="C01", text="for &lt;!channel&gt;", blocks=[{"type": "header", "text": plain("<!here>")}]
    )

    silent, loud = slack.violations
    assert "top-level `text`" in silent.what
    assert "rings the whole channel" in loud.what


async def test_a_rate_limit_lets_a_short_burst_through_and_then_asks_to_wait():
    clock = Clock()
    async with Workspace(
        people=PEOPLE, channels=CHANNELS, rate_limits=RateLimits(burst=2), clock=clock
    ) as slack:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        for _ in range(2):
            await client.chat_postMessage(channel="C01", text="x")
        with pytest.raises(SlackApiError, match="ratelimited") as caught:
            await client.chat_postMessage(channel="C01", text="x")
        assert caught.value.response.status_code == 429
        assert caught.value.response.headers["Retry-After"] == "1"
        await client.chat_postMessage(channel="U01", text="another channel")
        clock.now += 1
        await client.chat_postMessage(channel="C01", text="x")
        for _ in range(20):
            await client.users_list()
        with pytest.raises(SlackApiError, match="ratelimited"):
            await client.users_list()
