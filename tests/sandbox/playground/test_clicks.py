"""The sixty seconds played by clicks in a real browser.

QUOTABOT_PICTURES=docs lets two of the stories take the pictures of README.md and docs/dingtalk.md.
"""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from sandbox.playground import story
from sandbox.playground.cast import WHO
from sandbox.playground.server import Playground, playground
from tests.sandbox.playground.api import shown
from tests.sandbox.playground.browser import (
    START,
    WORDS,
    books_are_right,
    browser_at,
    he_approves,
    he_lends,
    picks,
    picture,
    she_asks,
    the_form,
    the_wall,
    types,
)

ALICE = WHO["Alice"]

STORIES = [
    ("zh", "", "dingtalk", "dingtalk"),
    ("en", "?left=dingtalk:alice&right=slack:bob", "dingtalk", "slack"),
]
"""Who is where; without a link the company is on DingTalk in Chinese. The click that arrives twice comes from Slack."""


@pytest.mark.browser
@pytest.mark.parametrize(("language", "link", "hers", "his"), STORIES)
async def test_the_story_is_played_by_clicks(language: str, link: str, hers: str, his: str) -> None:
    async with (
        playground(language=language, start=START) as (made, address),
        browser_at(address + link) as page,
    ):
        await page.wait_for_selector(f"#left[data-messenger={hers}]")
        await page.wait_for_selector(f"#right[data-messenger={his}]")
        name = f"{language}-{hers}-{his}"
        await picture(page, name, "1")
        await the_wall(page)
        await picture(page, name, "2")
        await she_asks(page, language)
        await page.wait_for_selector("#right .message:last-child [data-action='request.approve']")
        await picture(page, name, "3")
        await he_approves(page, language)
        await picture(page, name, "")
        await page.click("#left .spend")
        await page.wait_for_selector("#left .run.passed")
        await picture(page, name, "5")
        await page.wait_for_selector("#left .figures:text('$112.00')")
        other_tab = await page.context.new_page()
        await other_tab.goto(f"{address}?scene={made.first.name}&left=carol&right=alice")
        await other_tab.wait_for_selector(f"#right[data-messenger={hers}] .figures:text('$112.00')")
        await page.bring_to_front()
        await he_lends(page, language)
        async with page.context.expect_page() as opened:
            await page.click("#hints li:nth-child(5) a")
        await a_page_of_figures_fits_on_paper(await opened.value)
        await page.wait_for_selector("#hints li:nth-child(5).done")
        await other_tab.bring_to_front()
        await other_tab.wait_for_selector("#left .message:last-child:has-text('$10.00')")
        assert await page.is_hidden("#violations")
        await books_are_right(made)


@pytest.mark.browser
async def test_a_click_that_arrives_twice_grants_once() -> None:
    reason = WORDS["en"]["reason"]
    async with (
        playground(language="en", start=START) as (made, address),
        browser_at(f"{address}?step=2") as page,
    ):
        await page.click("#faults summary")
        await page.check("#fault-duplicate")
        await page.wait_for_selector("#faults.armed")
        await page.keyboard.press("Escape")
        await page.click("h1")
        await she_asks(page, "en")
        await he_approves(page, "en")
        assert await page.locator(f"#transfers .transfer.grant:has-text('{reason}')").count() == 1
        assert brought(made, "request.approve") == 2
        await page.click("#faults summary")
        opens = len(made.now.dingtalk.opens)
        await page.click("#fault-disconnect")
        # Both are back at once, often before the page has looked.
        await made.now.until(lambda: len(made.now.dingtalk.opens) > opens and made.now.slack.connections > 0)
        for one in ("slack", "dingtalk"):
            await page.wait_for_selector(f"[data-connection={one}].on")
        await page.uncheck("#fault-duplicate")
        await page.keyboard.press("Escape")
        await page.click("h1")
        await who_switches_messengers_is_told_there_and_every_copy_settles(made, page)
        await books_are_right(made)


def brought(made: Playground, action: str) -> int:
    """How often a click of this day was brought to the bot."""
    scene = made.now
    times = [
        one.at for one in scene.slack.deliveries if one.kind == "interactive" and action in str(one.payload)
    ]
    pushes = [one for one in scene.dingtalk.pushes.values() if action in str(one.data)]
    times += [one.born / 1000 for one in pushes for _ in one.sockets]
    return sum(at > scene.started.timestamp() for at in times)


@pytest.mark.browser
async def test_the_page_turns_chinese_and_small_and_starts_over() -> None:
    async with playground(start=START) as (made, address), browser_at(address) as page:
        await page.click("[data-language=zh]")
        await page.wait_for_selector(
            "html[lang=zh-CN] #left[data-messenger=dingtalk] .message:has-text('你还剩')"
        )
        await story.play_to(made.now, 2)
        await a_group_hears_what_mentions_the_bot_and_reads_no_figure(page)
        await books_are_right(made)
        await page.set_viewport_size({"width": 390, "height": 844})
        await a_phone_shows_one_person(made, page)
        await starts_over(made, address, page)
        await page.click("[data-turn=left]")
        assert await page.is_hidden("#right")
        await story.play_to(made.now, 2)
        await the_form(page, "en")
        await a_phone_jumps_to_the_card(page)


async def a_page_of_figures_fits_on_paper(page: Any) -> None:
    await page.wait_for_selector("main svg")
    await page.emulate_media(media="print")
    await page.set_viewport_size({"width": 700, "height": 1000})  # A4 without its margins
    for menu in ("nav", ".choice", "header form", ".for-phone"):
        assert await page.is_hidden(menu), menu
    assert await page.is_visible(".printed")
    cut = "Array.from(document.querySelectorAll('table, svg')).filter(one => one.getBoundingClientRect().right > innerWidth)"
    assert await page.evaluate(f"{cut}.length") == 0


async def a_phone_shows_one_person(made: Playground, page: Any) -> None:
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    await page.click("[data-turn=right]:has-text('王强')")
    await page.click("#right [data-pick=slack]")
    await page.click("#right[data-messenger=slack] [data-tab=home]")
    await page.wait_for_selector("#right .homepage:has-text('借还情况')")
    await page.click("#right [data-tab=design]")
    await types(page, "right", "@quotabot balance")
    await page.wait_for_selector("#right .message.ephemeral:has-text('仅你可见')")
    await page.click("[data-language=en]")
    await page.wait_for_selector("html[lang=en] #right .only:text('Only visible to you')")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    assert made.now.slack.people[ALICE.slack].locale == "en-US"


async def a_phone_jumps_to_the_card(page: Any) -> None:
    await page.click("[data-turn=right].unread")
    assert await page.is_hidden("#left")
    card = await page.locator("#right .message:has([data-action='request.approve'])").bounding_box()
    assert 0 <= card["y"] < 844 - card["height"]


async def starts_over(made: Playground, address: str, page: Any) -> None:
    """Meanwhile every question is answered, and no state of the old scene is shown without the curtain."""
    before = made.first.number
    await page.evaluate(
        """() => { const curtain = document.querySelector("#curtain"); window.lifted = [];
             new MutationObserver(() => window.lifted.push([curtain.hidden, document.querySelector("#right .only") !== null]))
               .observe(curtain, { attributes: true }); }"""
    )
    await page.click("#restart")
    async with aiohttp.ClientSession() as http:
        restarted = asyncio.create_task(page.wait_for_selector("#right .only", state="detached"))
        while not restarted.done():
            assert (await shown(http, address))["scene"] >= before
            await asyncio.wait([restarted], timeout=0.05)
        await restarted
        await page.wait_for_selector("#curtain", state="hidden")
        state = await shown(http, address)
    assert state["scene"] == made.first.number > before
    assert (state["story"]["next"], state["balances"][0]["available"]) == ("spend", "$4.50")
    seen = await page.evaluate("window.lifted")
    drawn = next(
        n for n, (hidden, _) in enumerate(seen) if not hidden
    )  # before: what the language had set off
    assert [True, True] not in seen[drawn:]


async def a_group_hears_what_mentions_the_bot_and_reads_no_figure(page: Any) -> None:
    lend, privately, hint, tap = "@quotabot 借给 @赵敏 10", "请私聊我", "申请 200 理由", "撤回"
    await page.click("#right [data-tab=design]")
    await types(page, "right", "lunch?")
    await page.click("#right .ready button >> nth=-1")
    assert await page.input_value("#right .composer input") == lend
    await page.press("#right .composer input", "Enter")
    group = await page.wait_for_selector(f"#right .message.bot:last-child:has-text('{privately}')")
    assert "$" not in await group.inner_text()
    assert await page.locator("#right .message.bot").count() == 1
    await page.click("#right [data-tab=dm]")
    await page.wait_for_selector("#right .message:last-child:has-text('$10.00')")
    await page.click("#left [data-action='request.open'] >> nth=-1")
    await page.wait_for_selector(f"#left .hint:has-text('{hint}')")
    await she_asks(page, "zh")
    await page.click(f"#left .message:last-child .tap:has-text('{tap}')")
    await page.wait_for_selector(f"#left .message.mine:has-text('{tap}')")
    await page.wait_for_selector("#right [data-action='request.approve']", state="detached")


async def who_switches_messengers_is_told_there_and_every_copy_settles(made: Playground, page: Any) -> None:
    await picks(page, "right", "dingtalk")
    await she_asks(page)
    title = await page.inner_text("#right .card:has([data-action='request.approve']) header b")
    await picks(page, "left", "dingtalk")
    await picks(page, "right", "slack")
    await types(page, "right", f"/quota approve {title.split()[-1]}")
    await page.wait_for_selector("#left .message:last-child:has-text('$50.00 is live')")
    assert "request.cancel" in made.now.slack.inbox(ALICE.slack)[-1].actions
    await picks(page, "right", "dingtalk")
    await page.wait_for_selector(f"#right .card:has-text('{title}') .sign.ok")
    assert await page.locator("#right [data-action='request.approve']").count() == 0
