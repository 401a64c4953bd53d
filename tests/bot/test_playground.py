"""The playground: the sixty seconds played by clicks in a real browser, and what the page owes whoever opens it.

QUOTABOT_PICTURE=docs/playground.png lets the first story take the README's picture.
"""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.demo.playground import Playground, playground, run_demo
from bot.demo.seed import WHO, opening_day
from models.audit import audit

ALICE, BOB, CAROL = (WHO[name].slack for name in ("Alice", "Bob", "Carol"))
START = opening_day(date(2026, 11, 23))
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@contextlib.asynccontextmanager
async def browser_at(address: str) -> AsyncIterator[Any]:
    """A page of a real browser that complained about nothing."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    api = pytest.importorskip("playwright.async_api", reason="no Playwright: pip install quotabot[test]")
    complaints: list[str] = []
    async with api.async_playwright() as made:
        browser = await made.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        context = await browser.new_context(
            viewport={"width": 1440, "height": 900}, reduced_motion="reduce", locale="en-GB"
        )
        page = await context.new_page()
        page.set_default_timeout(8_000)
        page.on("console", lambda said: complaints.append(said.text) if said.type != "log" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(address)
        await page.wait_for_selector("#left .message")
        yield page
        await browser.close()
    assert complaints == []


async def the_wall(page: Any) -> None:
    await page.click("#left .spend")
    await page.wait_for_selector("#left .run.refused")
    assert "budget_exceeded" in await page.inner_text("#left .run")
    await page.wait_for_selector("#left .message:last-child [data-action='borrow.open']")


async def she_asks(page: Any, reason: str) -> None:
    await page.click("#left [data-action='request.open'] >> nth=-1")
    await page.click("#left .modal [type=submit]")
    await page.wait_for_selector("#left .modal .error:not(:empty)")
    await page.fill("#left .modal [data-block=amount]", "50")
    await page.fill("#left .modal [data-block=reason]", reason)
    await page.click("#left .modal [type=submit]")


async def he_approves(page: Any) -> None:
    await page.click("#right [data-action='request.approve']")
    await page.wait_for_selector("#hints li:nth-child(2).done")
    await page.wait_for_selector("#right .message:nth-last-child(2) .sign.ok")
    await page.wait_for_selector("#left .figures:text('$150.00')")
    latest = "#left .message:last-child"
    await page.wait_for_selector(
        f"{latest}:has-text('$50.00 is live'), {latest}:has-text('$50.00 已在网关生效')"
    )


async def books_are_right(made: Playground) -> None:
    report = await made.now.house.database.run(audit)
    assert report.wrong == []


@pytest.mark.browser
@pytest.mark.parametrize("language", ["en", "zh"])
async def test_the_story_is_played_by_clicks(language: str) -> None:
    async with playground(language=language, start=START) as (made, address), browser_at(address) as page:
        reason = {"en": "finish the checkout with the agent", "zh": "用智能体做完结账页"}[language]
        lend = {"en": "/quota lend @carol 10", "zh": "/quota 借给 @carol 10"}[language]
        await the_wall(page)
        await she_asks(page, reason)
        assert reason in await page.inner_text("#right .message:last-child blockquote")
        await he_approves(page)
        await picture(page, language)
        await page.click("#left .spend")
        await page.wait_for_selector("#left .run.passed")
        await page.wait_for_selector("#left .figures:text('$112.00')")
        other_tab = await page.context.new_page()
        await other_tab.goto(f"{address}?left={CAROL}&right={ALICE}")
        await other_tab.wait_for_selector("#right .figures:text('$112.00')")
        await page.bring_to_front()
        await page.fill("#right .composer input", lend)
        await page.press("#right .composer input", "Enter")
        await page.wait_for_selector("#hints li:nth-child(4).done")
        await other_tab.bring_to_front()
        await other_tab.wait_for_selector("#left .message:last-child:has-text('$10.00')")
        assert await page.is_hidden("#violations")
        await books_are_right(made)


async def picture(page: Any, language: str) -> None:
    path = os.environ.get("QUOTABOT_PICTURE")
    if path and language == "en":
        await page.mouse.move(720, 150)
        await page.screenshot(path=path)


@pytest.mark.browser
async def test_a_click_that_arrives_twice_grants_once() -> None:
    async with playground(start=START) as (made, address), browser_at(f"{address}?step=2") as page:
        await page.click("#faults summary")
        await page.check("#fault-duplicate")
        await page.wait_for_selector("#faults.armed")
        await page.keyboard.press("Escape")
        await page.click("h1")
        await she_asks(page, "once is enough")
        await he_approves(page)
        assert await page.locator("#transfers .transfer.grant:has-text('once is enough')").count() == 1
        twice = [one for one in made.now.slack.deliveries if "request.approve" in str(one.payload)]
        assert len(twice) >= 2
        await page.click("#faults summary")
        await page.click("#fault-disconnect")
        await page.wait_for_selector("#wire-state.off")
        await books_are_right(made)


@pytest.mark.browser
async def test_a_phone_and_another_language_lose_nothing() -> None:
    async with playground(start=START) as (made, address), browser_at(address) as page:
        await page.click("[data-language=zh]")
        await page.wait_for_selector("html[lang=zh-CN] #left .message:has-text('你还剩')")
        await page.set_viewport_size({"width": 390, "height": 844})
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        await page.click("#right [data-tab=home]")
        await page.wait_for_selector("#right .homepage:has-text('借还情况')")
        await page.click("#right [data-tab=design]")
        await page.fill("#right .composer input", "@quotabot balance")
        await page.press("#right .composer input", "Enter")
        await page.wait_for_selector("#right .message.ephemeral:has-text('仅你可见')")
        await page.click("[data-language=en]")
        await page.wait_for_selector("html[lang=en] #right .only:text('Only visible to you')")
        assert made.now.slack.people[ALICE].locale == "en-US"


async def test_a_link_opens_the_story_where_it_says_and_start_over_forgets_it() -> None:
    async with playground(start=START) as (made, address), aiohttp.ClientSession() as http:
        assert await posted(http, f"{address}api/story", {"step": 4}) == 200
        story = (await shown(http, address))["story"]
        assert [story[name] for name in ("hit", "helped", "passed", "lent")] == [True, True, True, False]
        assert await posted(http, f"{address}api/press", {"user": ALICE, "channel": "", "ts": "1"}) == 400
        assert list(made.now.slack.violations) == []
        assert await posted(http, f"{address}api/restart", {}) == 200
        state = await shown(http, address)
        assert (state["story"]["next"], state["balances"][0]["available"]) == ("spend", "$4.50")
        await a_429_only_costs_time(made)


async def a_429_only_costs_time(made: Playground) -> None:
    scene = made.now
    before = len(scene.slack.inbox(BOB))
    scene.trouble(duplicate=False, limit=True)
    await scene.say(BOB, "loans")
    await scene.slack.wait_for(lambda: len(scene.slack.inbox(BOB)) == before + 2)
    posts = [call.status for call in scene.slack.calls if call.method == "chat.postMessage"]
    assert posts[-2:] == [429, 200]


Serve = Callable[[web.Application], Awaitable[str]]


@pytest.fixture
async def served() -> AsyncIterator[Serve]:
    runners: list[web.AppRunner] = []

    async def serve(app: web.Application) -> str:
        runners.append(web.AppRunner(app))
        await runners[-1].setup()
        await web.TCPSite(runners[-1], "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runners[-1].addresses[0][1]}/"

    yield serve
    for runner in runners:
        await runner.cleanup()


async def test_another_site_cannot_talk_to_the_page(served: Serve) -> None:
    address = await served(Playground(START).application())
    async with aiohttp.ClientSession() as http:
        async with http.get(address, headers={"Host": "evil.example"}) as reply:
            assert reply.status == 403
        async with http.post(f"{address}api/restart", data="{}") as reply:
            assert reply.status == 415
        assert await posted(http, f"{address}api/nothing", {}) == 404


async def test_ctrl_c_ends_it_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    program = "import asyncio; from bot.demo.playground import run_demo; asyncio.run(run_demo(0, False))"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": ".", "TMPDIR": str(tmp_path)}
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )  # fmt: skip
    assert running.stdout is not None
    line = (await asyncio.wait_for(running.stdout.readline(), 30)).decode()
    assert re.fullmatch(r"quotabot demo: http://127\.0\.0\.1:\d+/ \(Ctrl-C ends it\)\n", line)
    running.send_signal(signal.SIGINT)
    said, complained = await asyncio.wait_for(running.communicate(), 3)
    assert (running.returncode, said, complained) == (0, b"", b"")
    assert os.listdir(tmp_path) == []


async def test_it_does_not_start_beside_a_real_bot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-of-the-company")
    with pytest.raises(SystemExit, match="SLACK_BOT_TOKEN"):
        await run_demo(0, False)


async def posted(http: aiohttp.ClientSession, address: str, said: object) -> int:
    async with http.post(address, json=said) as reply:
        return reply.status


async def shown(http: aiohttp.ClientSession, address: str) -> Any:
    async with http.get(f"{address}api/state") as reply:
        return await reply.json()
