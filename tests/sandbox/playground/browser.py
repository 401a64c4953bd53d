"""What people do on the page of the playground, in a real browser."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from models.ledger.audit import audit
from sandbox.playground.company import opening_day
from sandbox.playground.server import Playground

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


async def picks(page: Any, side: str, messenger: str) -> None:
    await page.click(f"#{side} [data-pick={messenger}]")
    await page.wait_for_selector(f"#{side}[data-messenger={messenger}] .message")


PICTURES = {"en-dingtalk-slack": "playground", "zh-dingtalk-dingtalk": "playground-zh"}


async def picture(page: Any, name: str, step: str) -> None:
    """The picture of a README, or with `step` one of the frames that docs/film.py puts together."""
    folder = os.environ.get("QUOTABOT_PICTURES")
    if folder and name in PICTURES:
        await page.mouse.move(720, 150)
        await page.screenshot(path=Path(folder) / f"{PICTURES[name]}{step and f'.frame{step}'}.png")
