"""Take pictures of single messages in the playground, for docs/using.md and README.zh.md: part of `make pictures`."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

from playwright.async_api import async_playwright

from sandbox.playground.server import playground

DOCS = Path(__file__).parent
CARD = "#right .message:has([data-action='request.approve'])"


async def english(page: Any, address: str) -> None:
    """All on Slack: the balance, the manager's card and App Home."""
    await page.goto(f"{address}?left=slack:alice&right=slack:bob")
    await say(page, "/quota")
    await page.wait_for_selector("#left .message:last-child:has-text('gone tomorrow')")
    await take(page, "#left .message", "balance")
    await say(page, "/quota request 50 finish the checkout with the agent")
    await take(page, CARD, "card")
    await page.click("#left [data-tab=home]")
    await page.wait_for_selector("#left .homepage:has-text('waiting for Bob')")
    await take(page, "#left .homepage", "home")


async def chinese(page: Any, address: str) -> None:
    """The manager's card on DingTalk."""
    await page.goto(f"{address}?left=dingtalk:alice&right=dingtalk:bob")
    await say(page, "申请 50 用智能体做完结账页")
    await take(page, CARD, "card-zh")


async def say(page: Any, words: str) -> None:
    await page.wait_for_selector("#left .message")
    await page.fill("#left .composer input", words)
    await page.press("#left .composer input", "Enter")


async def take(page: Any, selector: str, name: str) -> None:
    await page.wait_for_selector(selector)
    await page.locator(selector).last.screenshot(path=DOCS / f"{name}.png")


async def main() -> None:
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    async with async_playwright() as made:
        browser = await made.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for language, story in (("en", english), ("zh", chinese)):
            async with playground(language=language) as (_, address):
                page = await browser.new_page(
                    viewport={"width": 1440, "height": 1200}, device_scale_factor=2, reduced_motion="reduce"
                )
                await story(page, address)
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
