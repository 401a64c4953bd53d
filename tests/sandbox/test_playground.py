"""The playground: the sixty seconds played by clicks in a real browser, and what the page owes whoever opens it.

QUOTABOT_PICTURES=docs lets two of the stories take the pictures of README.md and docs/dingtalk.md.
"""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from models.ledger.audit import audit
from sandbox.playground import story
from sandbox.playground.cast import WHO
from sandbox.playground.company import opening_day
from sandbox.playground.server import Playground, playground, run_demo

ALICE, BOB = WHO["Alice"], WHO["Bob"]
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
        page.set_default_timeout(60_000)
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
    assert "budget_exceeded" not in await page.inner_text("#left .run b")
    assert "budget_exceeded" in await page.inner_text("#left .run code")
    await page.wait_for_selector("#left .message:last-child [data-action='borrow.open']")


WORDS = {
    "en": {
        "reason": "finish the checkout with the agent", "ask": "request 50", "live": "$50.00 is live",
        "slack": "/quota lend @carol 10", "dingtalk": "lend Carol 10",
    },
    "zh": {
        "reason": "用智能体做完结账页", "ask": "申请 50", "live": "$50.00 已在网关生效",
        "slack": "/quota 借给 @carol 10", "dingtalk": "借给 赵敏 10",
    },
}  # fmt: skip


async def types(page: Any, side: str, words: str) -> None:
    await page.fill(f"#{side} .composer input", words)
    await page.press(f"#{side} .composer input", "Enter")


async def she_asks(page: Any, language: str = "en") -> None:
    """By the form at Slack, in words at DingTalk."""
    words = WORDS[language]
    if await page.locator("#left[data-messenger=dingtalk]").count():
        await types(page, "left", f"{words['ask']} {words['reason']}")
        return
    await the_form(page, language)


async def the_form(page: Any, language: str) -> None:
    words = WORDS[language]
    await page.click("#left [data-action='request.open'] >> nth=-1")
    await page.click("#left .modal [type=submit]")
    await page.wait_for_selector("#left .modal .error:not(:empty)")
    await page.fill("#left .modal [data-block=amount]", "50")
    await page.fill("#left .modal [data-block=reason]", words["reason"])
    await page.click("#left .modal [type=submit]")


async def he_approves(page: Any, language: str = "en") -> None:
    words = WORDS[language]
    card = f"#right .message:has(blockquote:has-text('{words['reason']}'))"
    await page.click(f"{card} [data-action='request.approve']")
    await page.wait_for_selector("#hints li:nth-child(2).done")
    await page.wait_for_selector(f"{card} .sign.ok")
    await page.wait_for_selector("#left .figures:text('$150.00')")
    await page.wait_for_selector(f"#left .message:last-child:has-text('{words['live']}')")


async def he_lends(page: Any, language: str) -> None:
    messenger = await page.get_attribute("#right", "data-messenger")
    await types(page, "right", WORDS[language][messenger])
    if messenger == "dingtalk":
        await page.click("#right .message:last-child [data-action='confirm.yes']")
    await page.wait_for_selector("#hints li:nth-child(4).done")


async def books_are_right(made: Playground) -> None:
    report = await made.now.app.database.write(audit)
    assert report.wrong == []
    assert [line for screen in made.now.screens.values() for line in screen.violations] == []


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
        await (await opened.value).wait_for_selector("main svg")
        await page.wait_for_selector("#hints li:nth-child(5).done")
        await other_tab.bring_to_front()
        await other_tab.wait_for_selector("#left .message:last-child:has-text('$10.00')")
        assert await page.is_hidden("#violations")
        await books_are_right(made)


PICTURES = {"en-dingtalk-slack": "playground", "zh-dingtalk-dingtalk": "playground-zh"}


async def picture(page: Any, name: str, step: str) -> None:
    """The picture of a README, or with `step` one of the frames that docs/film.py puts together."""
    folder = os.environ.get("QUOTABOT_PICTURES")
    if folder and name in PICTURES:
        await page.mouse.move(720, 150)
        await page.screenshot(path=Path(folder) / f"{PICTURES[name]}{step and f'.frame{step}'}.png")


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
        await made.now.until(lambda: len(made.now.dingtalk.opens) > opens)
        for one in ("slack", "dingtalk"):
            await page.wait_for_selector(f"[data-connection={one}].on")
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
async def test_a_phone_shows_one_person_starts_over_behind_a_curtain_and_jumps_to_the_card() -> None:
    async with playground(start=START) as (made, address), browser_at(address) as page:
        await page.click("[data-language=zh]")
        await page.wait_for_selector(
            "html[lang=zh-CN] #left[data-messenger=dingtalk] .message:has-text('你还剩')"
        )
        await page.set_viewport_size({"width": 390, "height": 844})
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
        await starts_over(made, page)
        await page.click("[data-turn=left]")
        assert await page.is_hidden("#right")
        await story.play_to(made.now, 2)
        await the_form(page, "en")
        await page.click("[data-turn=right].unread")
        assert await page.is_hidden("#left")
        card = await page.locator("#right .message:has([data-action='request.approve'])").bounding_box()
        assert 0 <= card["y"] < 844 - card["height"]


async def starts_over(made: Playground, page: Any) -> None:
    """No state of the old scene is shown without the curtain."""
    before = made.first.number
    await page.evaluate(
        """() => { const curtain = document.querySelector("#curtain"); window.lifted = [];
             new MutationObserver(() => window.lifted.push([curtain.hidden, document.querySelector("#right .only") !== null]))
               .observe(curtain, { attributes: true }); }"""
    )
    await page.click("#restart")
    await page.wait_for_selector("#right .only", state="detached")
    await page.wait_for_selector("#curtain", state="hidden")
    assert made.first.number > before
    seen = await page.evaluate("window.lifted")
    drawn = next(
        n for n, (hidden, _) in enumerate(seen) if not hidden
    )  # before: what the language had set off
    assert [True, True] not in seen[drawn:]


@pytest.mark.browser
async def test_a_group_at_dingtalk_hears_what_mentions_the_bot_and_reads_no_figure() -> None:
    language, lend, privately, hint, tap = (
        "zh",
        "@quotabot 借给 @赵敏 10",
        "请私聊我",
        "申请 200 理由",
        "撤回",
    )
    link = "?left=dingtalk:alice&right=dingtalk:bob&step=2"
    async with (
        playground(language=language, start=START) as (made, address),
        browser_at(address + link) as page,
    ):
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
        await she_asks(page, language)
        await page.click(f"#left .message:last-child .tap:has-text('{tap}')")
        await page.wait_for_selector(f"#left .message.mine:has-text('{tap}')")
        await page.wait_for_selector("#right [data-action='request.approve']", state="detached")
        await books_are_right(made)


@pytest.mark.browser
async def test_a_person_who_switches_messengers_is_told_there_and_every_copy_settles() -> None:
    async with playground(start=START) as (made, address), browser_at(f"{address}?step=2") as page:
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
        await books_are_right(made)


async def picks(page: Any, side: str, messenger: str) -> None:
    await page.click(f"#{side} [data-pick={messenger}]")
    await page.wait_for_selector(f"#{side}[data-messenger={messenger}] .message")


async def test_a_link_opens_a_step_of_the_story_and_start_over_resets_it() -> None:
    async with playground(start=START) as (made, address), aiohttp.ClientSession() as http:
        assert await posted(http, f"{address}api/story", {"step": 4}) == 200
        told = (await shown(http, address))["story"]
        assert [told[name] for name in ("hit", "helped", "passed", "lent")] == [True, True, True, False]
        assert await posted(http, f"{address}api/press", {"user": "alice", "channel": "", "ts": "1"}) == 400
        assert await posted(http, f"{address}api/pick", {"user": "alice", "messenger": "fax"}) == 400
        await books_are_right(made)
        before = (await shown(http, address))["scene"]
        restart = asyncio.create_task(posted(http, f"{address}api/restart", {}))
        while not restart.done():
            assert (await shown(http, address))["scene"] >= before
        assert await restart == 200
        state = await shown(http, address)
        assert state["scene"] == made.first.number > before
        assert (state["story"]["next"], state["balances"][0]["available"]) == ("spend", "$4.50")
        await a_refused_message_only_costs_time(made)


async def test_every_tab_has_a_scene_of_its_own_beside_a_taken_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with (
            playground(port, start=START, most=2, kept=0.0) as (made, address),
            aiohttp.ClientSession() as http,
        ):
            assert port < int(address.rsplit(":", 1)[1].strip("/")) <= port + 20
            await two_tabs(made, address, http)


async def two_tabs(made: Playground, address: str, http: aiohttp.ClientSession) -> None:
    first, second = [await entered(http, address) for _ in range(2)]
    assert first == made.first.name != second
    assert await posted(http, f"{address}api/story?scene={second}", {"step": 2}) == 200
    assert (await shown(http, address, second))["story"]["hit"]
    assert not (await shown(http, address, first))["story"]["hit"]
    assert await posted(http, f"{address}api/enter", {}) == 503
    async with http.get(f"{address}api/events?scene={second}") as watching:
        await watching.content.readline()
    async with asyncio.timeout(30):
        while not await is_over(http, f"{address}api/state?scene={second}"):
            pass
    assert await posted(http, f"{address}api/enter", {}) == 200


async def is_over(http: aiohttp.ClientSession, address: str) -> bool:
    async with http.get(address) as reply:
        return reply.status == 404


async def test_a_card_is_pressed_by_its_reader_and_a_lost_click_is_reported() -> None:
    async with playground(language="zh", start=START) as (made, address), aiohttp.ClientSession() as http:
        assert await posted(http, f"{address}api/story", {"step": 2}) == 200
        card = await made.now.until(lambda: made.now.dingtalk.card_of("alice"))
        said = {"card": card.track_id, "action": "request.open"}
        assert await posted(http, f"{address}api/press", said | {"user": "bob"}) == 400
        made.now.dingtalk.faults.lose("card")
        for failed in ("lost", ""):
            async with http.post(f"{address}api/press", json=said | {"user": "alice"}) as reply:
                assert (await reply.json())["failed"] == failed
        assert card.seen_by("alice")["hint_shown"] == "true"


async def a_refused_message_only_costs_time(made: Playground) -> None:
    scene = made.now
    scene.plan_faults(duplicate=False, limit=True)
    for messenger in ("slack", "dingtalk"):
        await scene.pick(BOB, messenger)
        before = scene.heard(BOB)
        await scene.say(BOB, "loans")
        await scene.until(lambda before=before: scene.heard(BOB) == before + 1)
    posts = [call.status for call in scene.slack.calls if call.method == "chat.postMessage"]
    assert posts[-2:] == [429, 200]
    answers = [call.code for call in scene.dingtalk.calls if call.path == "/robot/sendBySession"]
    assert answers[-2:] == ["90018", ""]


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


async def test_another_site_cannot_call_the_page(served: Serve) -> None:
    address = await served(Playground(START).application())
    async with aiohttp.ClientSession() as http:
        async with http.get(address, headers={"Host": "evil.example"}) as reply:
            assert reply.status == 403
        async with http.post(f"{address}api/restart", data="{}") as reply:
            assert reply.status == 415
        assert await posted(http, f"{address}api/nothing", {}) == 404


async def test_ctrl_c_ends_the_demo_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    program = (
        "import asyncio; from sandbox.playground.server import run_demo; asyncio.run(run_demo(0, False))"
    )
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


async def test_the_demo_does_not_start_beside_a_real_bot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-of-the-company")
    with pytest.raises(SystemExit, match="SLACK_BOT_TOKEN"):
        await run_demo(0, False)


async def posted(http: aiohttp.ClientSession, address: str, said: object) -> int:
    async with http.post(address, json=said) as reply:
        return reply.status


async def entered(http: aiohttp.ClientSession, address: str) -> str:
    async with http.post(f"{address}api/enter", json={}) as reply:
        return str((await reply.json())["scene"])


async def shown(http: aiohttp.ClientSession, address: str, scene: str = "") -> Any:
    async with http.get(f"{address}api/state{f'?scene={scene}' if scene else ''}") as reply:
        return await reply.json()
