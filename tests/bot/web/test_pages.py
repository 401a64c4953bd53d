"""The pages for people who pay: sign-in against a strict provider, roles, and the figures of the reports."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from joserfc.jwk import RSAKey
from pydantic import SecretStr
from sqlmodel import Session

from bot.database import Database
from bot.settings import Settings
from bot.web import server
from bot.web.pages.session import ATTEMPT, SIGNED_IN
from bot.web.pages.site import Pages
from handlers import giving, lending, requests
from handlers.words import texts
from models.ledger.amount import shown
from models.people.authority import What
from models.policy import document, versions
from models.quota.decision import AMENDED, REVOKED
from models.quota.period import Period
from models.quota.request_state import OPEN, UNCONFIRMED, RequestState
from models.reports.spending import EVERYBODY, Line, by_team
from sandbox.oidc import OpenId
from tests.actions import ask_for, say, spend
from tests.company import NOW, POLICY, settle_company, who

USD = 10**6
BUDGETED = POLICY.replace("gateway:", "organisation: {year_budget: 10000}\ngateway:")


class Browser:
    """One person's browser: cookies, and redirects followed to the provider and back."""

    def __init__(self, http: aiohttp.ClientSession, address: str, provider: OpenId, pages: Pages) -> None:
        self.http, self.address, self.provider, self.pages = http, address, provider, pages

    async def get(self, path: str, **more: Any) -> tuple[int, str]:
        async with self.http.get(self.address + path, **more) as answer:
            return answer.status, await answer.text()

    async def sign_in(self, email: str, to: str = "/pages") -> tuple[int, str]:
        self.provider.person = email
        return await self.get(f"/pages/sign-in?to={to}")

    @property
    def cookies(self) -> dict[str, str]:
        return {one.key: one.value for one in self.http.cookie_jar}


@pytest.fixture(scope="module")
def books(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A November with spend, a grant and a loan; each test has a copy."""
    file = tmp_path_factory.mktemp("pages") / "books.db"
    shutil.copy(sqlite_template, file)
    database = Database(f"sqlite:///{file}")
    settle_company(database, BUDGETED)
    spend(database, "pia", 120)
    spend(database, "alice", 30)
    say(database, requests.approve, "lee", ask_for(database, "quinn", 70))
    say(database, lending.lend, "alice", "bob", 5 * USD)
    say(database, giving.give_to_team, "bob", 7 * USD)
    database.close()
    return file


@pytest.fixture
def paid(books: Path, tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{shutil.copy(books, tmp_path)}")
    yield database
    database.close()


@pytest.fixture
async def browser(paid: Database) -> AsyncIterator[Browser]:
    jar = aiohttp.CookieJar(unsafe=True)
    async with (
        OpenId() as provider,
        aiohttp.ClientSession(cookie_jar=jar) as http,
        aiohttp.ClientSession() as ours,
    ):
        settings = Settings(
            _env_file=None, oidc_issuer=provider.address, oidc_client_id=OpenId.client_id,
            oidc_client_secret=SecretStr(OpenId.secret), public_url="http://127.0.0.1:1",
        )  # fmt: skip
        pages = Pages(settings, paid, ours, lambda: NOW + timedelta(hours=1))
        runner = await server.serve(server.application(pages.routes()), "127.0.0.1", 0)
        address = f"http://127.0.0.1:{runner.addresses[0][1]}"
        provider.redirect = pages.provider.redirect = f"{address}/pages/callback"
        yield Browser(http, address, provider, pages)
        await runner.cleanup()


async def test_finance_sees_the_whole_by_the_figures_of_the_report(browser: Browser, paid: Database) -> None:
    status, page = await browser.sign_in("cfo@corp.example")
    lines = paid.query(_lines)
    assert status == 200
    for line in lines:
        if not line.model and line.team != EVERYBODY:
            assert line.team in page
            assert shown(line.used, document.parse(POLICY).unit, "en") in page
    assert "$150.00 of $10,000.00 is spent" in page
    assert "like the slowest of them" in page
    assert re.search(r'<polygon class="band" points="[\d., ]+"', page)
    assert re.search(r"<dt>Carried over</dt><dd>\$0.00", page)
    assert re.search(r"<dt>Given to teams</dt><dd>\$7.00", page)
    assert "Paid as fallback" not in page, "there is none"
    assert {"Requests", "Policy", "Audit trail"} <= set(re.findall(r'<a href="/pages/\w+" *>(.+?)</a>', page))


def _lines(session: Session) -> list[Line]:
    period = Period.latest(session)
    assert period is not None
    return by_team(session, period, NOW + timedelta(hours=1))


async def test_an_owner_sees_own_teams_only_and_nobody_sees_a_person(browser: Browser) -> None:
    _, page = await browser.sign_in("lee@corp.example")
    assert "payments" in page
    assert "design" not in page
    assert "is spent" not in page
    assert not re.search(r"(?i)pia|quinn|alice", page.replace("lee@corp.example", ""))
    status, page = await browser.get("/pages/audit")
    assert (status, "此页面仅对管理员和财务开放" in page) == (403, True)
    assert (await browser.get("/pages/audit.csv"))[0] == 403
    status, page = await browser.get("/pages/requests?lang=en")
    assert (status, "$70.00" in page) == (200, True)
    assert re.search(r"the manager</th><td>1</td><td>1</td><td>0</td><td>under a minute", page)


@pytest.mark.parametrize(
    ("email", "said"),
    [
        ("alice@corp.example", "signed in as alice@corp.example"),
        ("eve@evil.example", "has the e-mail eve@evil.example"),
    ],
)
async def test_other_people_read_where_their_own_quota_is(browser: Browser, email: str, said: str) -> None:
    status, page = await browser.sign_in(email)
    assert (status, said in page) == (403, True)
    assert "$" not in page


async def test_a_policy_page_shows_who_gets_what_and_what_a_staged_change_does(
    browser: Browser, paid: Database
) -> None:
    await browser.sign_in("ops@corp.example")
    _, page = await browser.get("/pages/policy")
    assert "team: payments, role: engineer" in page
    assert "No change waits" in page
    later, day = BUDGETED.replace("amount: 500", "amount: 400"), (NOW + timedelta(days=9)).date()
    paid.transact(lambda session: versions.record_version(session, later, NOW, "ops", day))
    _, page = await browser.get("/pages/policy")
    assert "Version 2 waits for 18 Nov" in page
    assert '<span class="gone">-    amount: 500</span>' in page
    assert "People who get more: 0, less: 2. For them together: $1,000.00 → $800.00 a period." in page
    assert "pia@" not in page


async def test_the_audit_trail_is_filtered_and_downloaded(browser: Browser) -> None:
    await browser.sign_in("cfo@corp.example")
    _, page = await browser.get("/pages/audit?record=decision&words=quinn")
    assert "granted 70" in page
    assert page.count("<tr>") == 2
    _, page = await browser.get("/pages/audit?since=2027-01-01")
    assert "Nothing yet" in page
    _, csv = await browser.get("/pages/audit.csv?record=decision")
    assert csv.splitlines()[0].startswith("record,id,at,actor")
    assert "lee@corp.example" in csv


async def test_the_trail_is_read_in_the_viewers_language_and_its_file_is_data(browser: Browser) -> None:
    browser.pages.database.transact(lambda session: setattr(who(session, "cfo"), "locale", "zh"))
    await browser.sign_in("cfo@corp.example")
    _, page = await browser.get("/pages/audit?record=decision&words=批准")
    assert "批准 70" in page
    assert "同意" in page
    _, csv = await browser.get("/pages/audit.csv?record=decision&words=批准")
    assert "granted 70" in csv


def test_every_word_of_the_trail_has_both_languages() -> None:
    told = {
        *map(str, What),
        AMENDED,
        REVOKED,
        *(str(one) for one in RequestState if one not in (*OPEN, *UNCONFIRMED)),
    }
    assert told - {"applied"} <= set(texts.AUDIT_WORDS)


async def test_the_pages_run_no_script_and_load_nothing_from_elsewhere(browser: Browser) -> None:
    await browser.sign_in("cfo@corp.example")
    async with browser.http.get(f"{browser.address}/pages") as answer:
        page, policy = await answer.text(), answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script|<style| style=| on\w+=", page)
    assert page.count('<svg xmlns="http://www.w3.org/2000/svg"') >= 3
    assert (await browser.get("/pages/static/pages.css"))[0] == 200
    assert (await browser.get("/pages/static/..%2Fsite.py"))[0] == 404


FORGED: list[dict[str, Any]] = [
    {"nonce": "another"}, {"aud": "another-client"}, {"iss": "https://evil.example"}, {"exp": 1}, {"email": None},
    {"email_verified": False},
]  # fmt: skip


@pytest.mark.parametrize("claims", FORGED, ids=lambda one: next(iter(one)))
async def test_a_token_that_is_not_for_us_signs_nobody_in(browser: Browser, claims: dict[str, Any]) -> None:
    browser.provider.claims = claims
    status, page = await browser.sign_in("cfo@corp.example")
    assert (status, "did not work" in page) == (403, True)
    assert SIGNED_IN not in browser.cookies


async def test_a_token_of_another_key_signs_nobody_in_and_a_new_key_is_fetched(browser: Browser) -> None:
    browser.provider.signing = RSAKey.generate_key(2048, {"kid": "1", "use": "sig"})
    assert (await browser.sign_in("cfo@corp.example"))[0] == 403
    browser.provider.signing = browser.provider.key
    assert (await browser.sign_in("cfo@corp.example"))[0] == 200


async def test_the_answer_of_another_browser_or_provider_is_refused(browser: Browser) -> None:
    status, page = await browser.get("/pages/callback?code=1&state=2")
    assert (status, "code=1" in page) == (403, False), "its button begins anew"
    assert 'href="/pages/sign-in?to=/pages"' in page
    browser.provider.answers_as = "https://evil.example"
    assert (await browser.sign_in("cfo@corp.example"))[0] == 403
    browser.provider.answers_as, browser.provider.refuse = "", "access_denied"
    assert (await browser.sign_in("cfo@corp.example"))[0] == 403


@pytest.mark.parametrize(
    "to", ["https://evil.example", "//evil.example", "/pages//evil.example", "/pages\\evil"]
)
async def test_the_way_back_leads_nowhere_else(browser: Browser, to: str) -> None:
    status, page = await browser.sign_in("cfo@corp.example", to=to)
    assert (status, "<h1>Spend</h1>" in page) == (200, True)


async def test_a_session_ends_and_cannot_be_made_of_another_cookie(browser: Browser) -> None:
    await browser.sign_in("cfo@corp.example")
    kept = browser.cookies[SIGNED_IN]
    browser.pages.clock = lambda: NOW + timedelta(hours=10)
    assert (await browser.get("/pages"))[0] == 401
    browser.pages.clock = lambda: NOW
    for forged in (kept[:-2] + "xx", "", kept.split(".")[0]):
        browser.http.cookie_jar.clear()
        assert (await browser.get("/pages", cookies={SIGNED_IN: forged}))[0] == 401
    browser.http.cookie_jar.clear()
    async with browser.http.get(f"{browser.address}/pages/sign-in", allow_redirects=False):
        pass
    attempt = browser.cookies[ATTEMPT]
    browser.http.cookie_jar.clear()
    assert (await browser.get("/pages", cookies={SIGNED_IN: attempt}))[0] == 401
    assert (await browser.get("/pages", cookies={SIGNED_IN: kept}))[0] == 200
    async with browser.http.post(f"{browser.address}/pages/sign-out", cookies={SIGNED_IN: kept}) as answer:
        assert 'quotabot_session=""' in answer.headers["Set-Cookie"]


async def test_somebody_who_has_left_sees_nothing_any_more(browser: Browser, paid: Database) -> None:
    await browser.sign_in("cfo@corp.example")
    paid.transact(lambda session: session.connection().exec_driver_sql(
        "UPDATE member SET left_at = joined_at WHERE email = 'cfo@corp.example'") and None)  # fmt: skip
    assert (await browser.get("/pages"))[0] == 403


async def test_ten_readers_at_once_share_nothing(browser: Browser) -> None:
    await browser.sign_in("cfo@corp.example")
    answers = await asyncio.gather(*(browser.get("/pages") for _ in range(10)))
    assert {status for status, _ in answers} == {200}


@pytest.mark.parametrize(
    ("more", "lack"),
    [
        ({}, "OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET, PUBLIC_URL are not set"),
        ({"oidc_issuer": "https://id.corp.example", "oidc_client_id": "a", "oidc_client_secret": "b"}, "PUBLIC_URL is not set"),
        (
            {"oidc_issuer": "http://id.corp.example", "oidc_client_id": "a", "oidc_client_secret": "b", "public_url": "https://q"},
            "OIDC_ISSUER must begin with https://",
        ),
    ],
)  # fmt: skip
def test_what_the_pages_lack_is_named(more: dict[str, Any], lack: str) -> None:
    assert Settings(_env_file=None, **more).pages_lack == lack
