"""The pages and their access: sign-in, roles, templates and headers.

Nothing here writes. Cookies are SameSite=Lax, and only GET shows anything.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import date, datetime
from functools import partial
from importlib import resources
from typing import TypeVar

import aiohttp
import structlog
from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined
from sqlmodel import Session
from yarl import URL

from bot.database import Database
from bot.rows import csv_lines
from bot.settings import PagesSettings
from bot.web.pages import difference, figures, requests
from bot.web.pages.oidc import Attempt, Provider, SignInFailed
from bot.web.pages.session import ATTEMPT, DAY, MINUTES, PATH, SIGNED_IN, Cookies
from bot.web.pages.viewer import Facts, Viewer
from handlers.context import Reader
from handlers.words import texts
from handlers.words.text import SafeText, Text
from models.people.member import Member
from models.policy import versions
from models.policy.sight import Sight
from models.reports.audit import COLUMNS
from models.reports.style import Row

log = structlog.get_logger()

T = TypeVar("T")
Show = Callable[[Viewer], T]
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
STATIC = resources.files("bot.web.pages") / "static"
PLACES = (
    ("", texts.PAGE_OVERVIEW, False),
    ("requests", texts.PAGE_REQUESTS, False),
    ("policy", texts.PAGE_POLICY, True),
    ("audit", texts.PAGE_AUDIT, True),
)
LANGUAGE, CALLBACK, SIGN_IN = "quotabot_language", f"{PATH}/callback", f"{PATH}/sign-in"


class Shown(Exception):  # noqa: N818 - an answer
    """A page instead of the one that was asked for. `signed_in`: the e-mail of a session that stays."""

    def __init__(
        self, text: Text, status: int, locale: str = "", signed_in: str = "", *, sees: bool = False
    ) -> None:
        super().__init__(text.en)
        self.text, self.status, self.locale, self.signed_in, self.sees = text, status, locale, signed_in, sees


class Pages:
    """Routes below /pages."""

    def __init__(
        self,
        settings: PagesSettings,
        database: Database,
        http: aiohttp.ClientSession,
        clock: Callable[[], datetime],
    ) -> None:
        assert settings.oidc_issuer
        assert settings.oidc_client_id
        assert settings.oidc_client_secret
        assert settings.public_url
        secret, public = settings.oidc_client_secret.get_secret_value(), settings.public_url.rstrip("/")
        self.database, self.clock = database, clock
        redirect = f"{public}/pages/callback"
        self.provider = Provider(settings.oidc_issuer, settings.oidc_client_id, secret, redirect, http)
        self.cookies = Cookies(secret, secure=public.startswith("https://"))
        self._templates = Environment(
            loader=PackageLoader("bot.web.pages"), autoescape=True, undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip

    def routes(self) -> list[web.RouteDef]:
        pages: tuple[tuple[str, Callable[[web.Request], Awaitable[web.StreamResponse]]], ...] = (
            ("", self._overview), ("/requests", self._requests), ("/policy", self._policy),
            ("/audit", self._audit), ("/audit.csv", self._audit_csv), ("/sign-in", self._sign_in),
            ("/callback", self._callback),
        )  # fmt: skip
        return [
            *(web.get(f"/pages{path}", partial(self._guarded, page)) for path, page in pages),
            web.post("/pages/sign-out", self._sign_out),
            web.get("/pages/static/{name}", self._static),
        ]

    # Pages

    async def _overview(self, request: web.Request) -> web.StreamResponse:
        facts = await self._read(request, partial(figures.overview, name=request.query.get("period", "")))
        return self._page(request, "overview.html", "", facts)

    async def _requests(self, request: web.Request) -> web.StreamResponse:
        facts = await self._read(request, partial(requests.requests, name=request.query.get("period", "")))
        return self._page(request, "requests.html", "requests", facts)

    async def _policy(self, request: web.Request) -> web.StreamResponse:
        return self._page(
            request, "policy.html", "policy", await self._read(request, difference.policy, whole=True)
        )

    async def _audit(self, request: web.Request) -> web.StreamResponse:
        rows = await self._read(request, _trail(request, figures.MOST_ROWS, figures.spoken), whole=True)
        asked = {name: request.query.get(name, "") for name in ("record", "since", "words")}
        facts = {"asked": asked, "most": str(figures.MOST_ROWS), "searched": f"{figures.SEARCHED:,}"}
        return self._page(request, "audit.html", "audit", rows | facts | {"records": figures.RECORDS})

    async def _audit_csv(self, request: web.Request) -> web.StreamResponse:
        found = await self._read(request, _trail(request, figures.SEARCHED), whole=True)
        headers = HEADERS | {"Content-Disposition": 'attachment; filename="audit.csv"'}
        body = "".join(csv_lines(COLUMNS, found["rows"]))
        return web.Response(text=body, content_type="text/csv", charset="utf-8", headers=headers)

    # Sign-in

    async def _sign_in(self, request: web.Request) -> web.StreamResponse:
        attempt, wanted = Attempt(), request.query.get("to", "")
        # Only a path of ours: another address would make this page an open redirect.
        to = wanted if wanted.startswith("/pages") and "\\" not in wanted and "//" not in wanted else "/pages"
        answer = _elsewhere(await self.provider.address(attempt))
        self.cookies.give(answer, ATTEMPT, asdict(attempt) | {"to": to}, self.clock(), MINUTES)
        return answer

    async def _callback(self, request: web.Request) -> web.StreamResponse:
        kept = self.cookies.read(request, ATTEMPT, self.clock())
        if not kept or request.query.get("state") != kept["state"]:
            raise SignInFailed("the state is not that of this browser")
        await self.provider.check_answer(request.query.get("iss"))
        if "code" not in request.query:
            raise SignInFailed(f"the provider says {request.query.get('error', 'nothing')[:100]}")
        attempt = Attempt(kept["state"], kept["nonce"], kept["verifier"])
        email = await self.provider.email(request.query["code"], attempt)
        answer = _elsewhere(kept["to"])
        self.cookies.give(answer, SIGNED_IN, {"email": email}, self.clock(), DAY)
        self.cookies.take(answer, ATTEMPT)
        return answer

    async def _sign_out(self, request: web.Request) -> web.StreamResponse:
        answer = self._message(request, Shown(texts.PAGE_WELCOME, 200))
        self.cookies.take(answer, SIGNED_IN)
        return answer

    # Access

    async def _guarded(
        self, page: Callable[[web.Request], Awaitable[web.StreamResponse]], request: web.Request
    ) -> web.StreamResponse:
        try:
            answer = await page(request)
        except Shown as instead:
            answer = self._message(request, instead)
        except SignInFailed as failed:
            log.warning("a sign-in failed", reason=str(failed))
            answer = self._message(request, Shown(texts.PAGE_REFUSED, 403))
        if (say := request.query.get("lang")) in ("en", "zh"):
            answer.set_cookie(LANGUAGE, say, path="/pages", samesite="Lax", httponly=True)
        return answer

    async def _read(self, request: web.Request, show: Show[Facts], *, whole: bool = False) -> Facts:
        """The page's figures for the person who is signed in. Raises `Shown`."""
        email = str(self.cookies.read(request, SIGNED_IN, self.clock()).get("email", ""))
        if not email:
            raise Shown(texts.PAGE_WELCOME, 401)
        work = partial(
            _read, email=email, locale=_language(request), now=self.clock(), show=show, whole=whole
        )
        return await self.database.read(work)

    # Answers

    def _page(self, request: web.Request, template: str, place: str, facts: Facts) -> web.Response:
        return self._rendered(request, template, facts | {"place": place}, facts["viewer"].reader.locale, 200)

    def _message(self, request: web.Request, shown: Shown) -> web.Response:
        locale = shown.locale or _language(request) or _accepted(request)
        facts: dict[str, str] = {"email": SafeText(shown.signed_in)} if shown.signed_in else {}
        page = {
            "said": shown.text(locale, **facts),
            "place": None,
            "signed_in": shown.signed_in,
            "sees": shown.sees,
        }
        return self._rendered(request, "message.html", page, locale, shown.status)

    def _rendered(
        self, request: web.Request, template: str, facts: Facts, locale: str, status: int
    ) -> web.Response:
        def say(text: Text, **more: str) -> SafeText:
            return _said(text, locale, **more)

        chinese = locale.startswith("zh")
        places = [(path, text) for path, text, whole in PLACES if not whole or facts.get("whole_sight")]
        # Codes and states of a sign-in are not carried on.
        page = request.rel_url if request.path not in (CALLBACK, SIGN_IN) else URL(PATH)
        asked = {name: value for name, value in page.query.items() if name != "lang"}
        other = page.with_query(asked | {"lang": "en" if chinese else "zh"})
        body = self._templates.get_template(template).render(
            **({"signed_in": "", "as_of": "", "sees": True} | facts), say=say, texts=texts, places=places, chinese=chinese, other=str(other),
            here=str(page),
        )  # fmt: skip
        return web.Response(
            text=body, content_type="text/html", charset="utf-8", status=status, headers=HEADERS
        )

    async def _static(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in {one.name for one in STATIC.iterdir()}:
            raise web.HTTPNotFound
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        headers = HEADERS | {"Cache-Control": "max-age=3600"}
        return web.Response(text=(STATIC / name).read_text("utf-8"), content_type=kind, headers=headers)


def _said(text: Text, locale: str, **facts: str) -> SafeText:
    # The template escapes, and shows no marks of code.
    said = text(locale, **{name: SafeText(one) for name, one in facts.items()})
    return SafeText(said.replace("`", ""))


def _elsewhere(address: str) -> web.Response:
    return web.Response(status=302, headers=HEADERS | {"Location": address})


def _trail(
    request: web.Request, most: int, shown: Callable[[Viewer, Row], Row] = lambda _, row: row
) -> Show[Facts]:
    record, words = (request.query.get(name, "") for name in ("record", "words"))
    try:
        since = date.fromisoformat(request.query.get("since", ""))
    except ValueError:
        since = None
    return lambda viewer: {
        "rows": [shown(viewer, row) for row in figures.trail(viewer, record, since, words, most)]
    }


def _language(request: web.Request) -> str:
    """The language that this browser chose; empty where the member's own counts."""
    chosen = request.query.get("lang") or request.cookies.get(LANGUAGE, "")
    return chosen if chosen in ("en", "zh") else ""


def _accepted(request: web.Request) -> str:
    return "zh" if request.headers.get("Accept-Language", "").lower().startswith("zh") else "en"


def _read(session: Session, email: str, locale: str, now: datetime, show: Show[Facts], whole: bool) -> Facts:
    found, member = versions.current(session), Member.by_email(session, email)
    if member is None or not member.active:
        raise Shown(texts.PAGE_UNKNOWN, 403, locale, email)
    locale = locale or member.locale or "en"
    if found is None:
        raise Shown(texts.PAGE_NO_POLICY, 503, locale, email)
    version, policy = found
    sight = Sight.of(policy, email)
    if not sight:
        raise Shown(texts.PAGE_NOT_FOR_YOU, 403, locale, email)
    if whole and not sight.whole:
        raise Shown(texts.PAGE_NOT_WHOLE, 403, locale, email, sees=True)
    reader = Reader(locale, policy.zone, policy.unit, now.astimezone(policy.zone).date())
    viewer = Viewer(session, policy, version, sight, reader, now)
    as_of = viewer.say(texts.PAGE_AS_OF, moment=reader.moment(now))
    return {"as_of": as_of} | show(viewer) | {
        "viewer": viewer, "whole_sight": sight.whole, "signed_in": email,
    }  # fmt: skip
