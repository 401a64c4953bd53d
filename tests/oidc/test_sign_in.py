"""Sign-in through a real OpenID provider in a real browser: `make test-oidc`."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr
from yarl import URL

from bot.database import Database
from bot.settings import Settings
from bot.web import server
from bot.web.pages import oidc
from bot.web.pages.oidc import Attempt, SignInFailed
from bot.web.pages.site import Pages
from tests.company import NOW, settle_company

FOLDER = Path(__file__).parent / "provider"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NODE = shutil.which("node")
pytestmark = [
    pytest.mark.oidc,
    pytest.mark.skipif(not (NODE and CHROMIUM), reason="needs node and a Chromium"),
    pytest.mark.skipif(not (FOLDER / "node_modules").exists(), reason="make test-oidc installs the provider"),
]
SECRETS = {"quotabot": "of the:client/% +", "another": "of another"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        return int(bound.getsockname()[1])


@contextlib.asynccontextmanager
async def provider(port: int, kid: str, *redirects: str) -> AsyncIterator[str]:
    """Its issuer. A second one on the same port has other keys."""
    assert NODE
    running = await asyncio.create_subprocess_exec(
        NODE, "provider.mjs", str(port), kid, *redirects, cwd=FOLDER,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert running.stdout
        assert (await running.stdout.readline()).strip() == b"ready"
        yield f"http://localhost:{port}"
    finally:
        running.terminate()
        await running.wait()


@pytest.fixture
def paid(sqlite: Database) -> Iterator[Database]:
    settle_company(sqlite)
    return sqlite


@contextlib.asynccontextmanager
async def bot(database: Database, issuer: str, port: int, client: str = "quotabot") -> AsyncIterator[Pages]:
    settings = Settings(
        _env_file=None, oidc_issuer=issuer, oidc_client_id=client, oidc_client_secret=SecretStr(SECRETS[client]),
        public_url=f"http://127.0.0.1:{port}",
    )  # fmt: skip
    async with aiohttp.ClientSession() as http:
        pages = Pages(settings, database, http, lambda: NOW)
        runner = await server.serve(server.application(pages.routes()), "127.0.0.1", port)
        try:
            yield pages
        finally:
            await runner.cleanup()


@contextlib.asynccontextmanager
async def browser() -> AsyncIterator[Any]:
    from playwright.async_api import async_playwright  # noqa: PLC0415 - a quarter of a second

    async with async_playwright() as made:
        opened = await made.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield await opened.new_page()
        await opened.close()


async def sign_in(page: Any, address: str, name: str) -> str:
    """Type a name on the provider's page and consent; the text of the bot's page then. `address`: empty to stay where we are."""
    if address:
        await page.goto(address)
    await page.get_by_role("link", name="Sign in").click()
    if name:
        await page.fill("input[name=login]", name)
        await page.fill("input[name=password]", "any")
        await page.get_by_role("button", name="Sign-in").click()
        await page.get_by_role("button", name="Continue").click()
    await page.wait_for_url(re.compile(r"^http://127"))
    return str(await page.inner_text("body"))


async def test_a_person_signs_in_and_out_in_a_browser_while_the_provider_changes_its_keys(
    paid: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, ours = free_port(), free_port()
    address = f"http://127.0.0.1:{ours}/pages"
    async with browser() as page:
        async with provider(port, "first", f"{address}/callback") as issuer, bot(paid, issuer, ours) as pages:
            said = await sign_in(page, address, "cfo@corp.example")
            assert "Used this period" in said
            assert "cfo@corp.example" in said
            await page.get_by_role("button", name="Sign out").click()
            await page.goto(address)
            assert "Used this period" not in await page.inner_text("body")
            assert "Used this period" in await sign_in(page, address, ""), (
                "the provider still knows the browser"
            )
        async with provider(port, "second", f"{address}/callback") as issuer:
            monkeypatch.setattr(oidc, "KEYS_AGAIN", 0)
            async with bot(paid, issuer, ours) as fresh:
                fresh.provider._known, fresh.provider._keys = pages.provider._known, pages.provider._keys
                await page.context.clear_cookies()
                assert "Used this period" in await sign_in(page, address, "cfo@corp.example")
                await page.context.clear_cookies()
                assert "did not work" in await sign_in(page, address, "unverified@corp.example")
                await page.context.clear_cookies()
                again = await sign_in(page, "", "cfo@corp.example")
                assert "Used this period" in again, (
                    "the button of the refusal leads to the pages, not to the refused answer"
                )
                await page.context.clear_cookies()
                assert "for admins, finance and owners" in await sign_in(page, address, "alice@corp.example")


class Person:
    """A browser without a screen: the provider's forms by HTTP."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self.http = http

    async def code(self, url: str, name: str) -> tuple[str, str]:
        """The code and the issuer with which the provider sends the browser back."""
        form: dict[str, str] | None = None
        while not url.startswith("http://127"):
            request = (
                self.http.post(url, data=form, allow_redirects=False)
                if form
                else self.http.get(url, allow_redirects=False)
            )
            async with request as answer:
                text, location = await answer.text(), answer.headers.get("Location", "")
            if location:
                url, form = str(URL(url).join(URL(location))), None
            else:
                form = {"prompt": "login", "login": name} if 'name="login"' in text else {"prompt": "consent"}
                found = re.search(r'action="([^"]+)"', text)
                assert found, text
                url = str(URL(url).join(URL(found[1])))
        return URL(url).query["code"], URL(url).query.get("iss", "")


async def test_what_is_not_for_us_signs_nobody_in(paid: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    port, ours, theirs = free_port(), free_port(), free_port()
    redirects = [f"http://127.0.0.1:{one}/pages/callback" for one in (ours, theirs)]
    jar = aiohttp.CookieJar(unsafe=True)
    async with (
        provider(port, "first", *redirects) as issuer,
        bot(paid, issuer, ours) as pages,
        bot(paid, issuer, theirs, "another") as other,
        aiohttp.ClientSession(cookie_jar=jar) as http,
    ):
        person, mine = Person(http), pages.provider

        async def refused(attempt: Attempt, claimed: Attempt, to: Pages = pages) -> str:
            code, _ = await person.code(await mine.address(attempt), "cfo@corp.example")
            with pytest.raises(SignInFailed) as failed:
                await to.provider.email(code, claimed)
            return str(failed.value)

        one = Attempt()
        code, sent = await person.code(await mine.address(one), "cfo@corp.example")
        assert sent == issuer
        assert await mine.email(code, one) == "cfo@corp.example"
        with pytest.raises(SignInFailed, match="invalid_grant"):
            await mine.email(code, one)
        assert "invalid_grant" in await refused(one, replace(one, verifier=Attempt().verifier))
        assert "nonce" in await refused(one, replace(one, nonce="another"))
        assert "invalid_grant" in await refused(one, one, other)

        # A true token of the provider, for another client: the same keys, the same person.
        known = await mine._described()
        code, _ = await person.code(await other.provider.address(one), "cfo@corp.example")
        said = await other.provider._exchange(known, code, one)
        with pytest.raises(SignInFailed, match="aud"):
            await mine._claims(known, said["id_token"], one, said)
        assert (await other.provider._claims(known, said["id_token"], one, said))["sub"] == "cfo@corp.example"
        monkeypatch.setattr(oidc, "LEEWAY", -61)
        with pytest.raises(SignInFailed, match="expired"):
            await other.provider._claims(known, said["id_token"], one, said)


async def test_an_answer_of_another_issuer_is_refused(paid: Database) -> None:
    port, ours = free_port(), free_port()
    jar = aiohttp.CookieJar(unsafe=True)
    async with (
        provider(port, "first", f"http://127.0.0.1:{ours}/pages/callback") as issuer,
        bot(paid, issuer, ours),
        aiohttp.ClientSession(cookie_jar=jar) as http,
    ):
        address = URL(f"http://127.0.0.1:{ours}/pages/callback")
        for said, status in (("https://evil.example", 403), ("", 403), (issuer, 302)):
            asked = await http.get(f"http://127.0.0.1:{ours}/pages/sign-in", allow_redirects=False)
            begun = asked.headers["Location"]
            code, _ = await Person(http).code(begun, "cfo@corp.example")
            sent = {"state": URL(begun).query["state"], "code": code}
            answer = await http.get(
                address.with_query(sent | ({"iss": said} if said else {})), allow_redirects=False
            )
            assert answer.status == status, said
