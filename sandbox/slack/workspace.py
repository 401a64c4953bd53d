"""A stand-in Slack workspace on loopback, for the playground and the end-to-end tests.

An unmodified slack_bolt app works against it in Socket Mode and in HTTP mode. People are driven from Python:

    async with Workspace(people=[alice, bob]) as slack:
        app = AsyncApp(client=AsyncWebClient(token=slack.bot_token, base_url=slack.api_url))
        ...
        ack = await slack.command("U01", "lend @bob 50")

Each thing a person does returns an `Ack`: what the app answered, how fast, and what went wrong.
"""

from __future__ import annotations

import html
import re
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from aiohttp import web

from sandbox.loopback import LoopbackServer
from sandbox.slack import payloads, views
from sandbox.slack.api import Api, Tokens
from sandbox.slack.arguments import Arguments
from sandbox.slack.chat import answer
from sandbox.slack.faults import Faults
from sandbox.slack.forms import input_values, missing
from sandbox.slack.http_mode import HttpMode
from sandbox.slack.installation import Installation
from sandbox.slack.objects import Channel, Json, Message, Person, SlackError, View, elements
from sandbox.slack.rate_limits import RateLimiter, RateLimits
from sandbox.slack.sender import Sender
from sandbox.slack.socket_mode import SocketMode
from sandbox.slack.state import ResponseUrl, State
from sandbox.slack.transport import COMMAND, EVENT, INTERACTION, TIMED_OUT, Ack, Attempt, Timing

__all__ = ["Ack", "Channel", "Message", "Person", "RateLimits", "Timing", "View", "Workspace"]

QUOTABOT = Person("U0QUOTABOT", "quotabot", "quotabot", is_bot=True)


class Workspace(State, LoopbackServer):
    """One workspace with one installed app. Several may run at once."""

    def __init__(
        self,
        *,
        people: Iterable[Person],
        channels: Iterable[Channel] | None = None,
        bot: Person = QUOTABOT,
        team_id: str = "T0ACME",
        team_domain: str = "acme",
        enterprise_id: str = "",
        app_id: str = "A0QUOTABOT",
        bot_id: str = "B0QUOTABOT",
        bot_token: str = "xoxb-stand-in",  # noqa: S107  (opens nothing but this object)
        app_token: str = "xapp-stand-in",  # noqa: S107
        installed: Installation = Installation(),  # noqa: B008  (frozen)
        signing_secret: str = "stand-in-signing-secret",  # noqa: S107
        rate_limits: RateLimits | None = None,
        timing: Timing = Timing(),  # noqa: B008  (frozen)
        echoes: bool = True,
        clock: Callable[[], float] = time.time,
        port: int = 0,
    ) -> None:
        people = list(people)
        everybody = [person.id for person in people if not person.deleted] + [bot.id]
        LoopbackServer.__init__(self, port)
        State.__init__(
            self,
            people=people,
            channels=[Channel("C0GENERAL", "general", everybody)] if channels is None else channels,
            bot=bot,
            team_id=team_id,
            team_domain=team_domain,
            app_id=app_id,
            bot_id=bot_id,
            enterprise_id=enterprise_id,
            clock=clock,
        )
        self.bot_token, self.app_token, self.signing_secret = bot_token, app_token, signing_secret
        self._sockets, self._requests = SocketMode(self, timing, installed), HttpMode(signing_secret, timing)
        self._sender = Sender(self, self._sockets, self._requests, timing, installed)
        tokens = Tokens(bot_token, app_token)
        self.installed, limiter = installed, RateLimiter(rate_limits)
        self._api = Api(self, self._sockets, self._sender.faults, tokens, installed, limiter)
        if echoes:
            self.echo = lambda event: self._sender.later(self._sender.deliver(EVENT, event))

    # ---- the server ---------------------------------------------------------------------------------

    def routes(self) -> list[web.RouteDef]:
        return [
            web.route("*", "/api/{method}", self._api.call),
            web.post("/response/{token}", self._api.respond),
            web.get("/link", self._sockets.serve),
        ]

    async def release(self) -> None:
        self._api.close()
        await self._sender.close()

    async def stop(self) -> None:
        await super().stop()
        self.feed.close()

    @property
    def url(self) -> str:
        return f"{self.address}/"

    @property
    def api_url(self) -> str:
        """The Web API, for `base_url` and SLACK_API_URL."""
        return f"{self.url}api/"

    @property
    def http_target(self) -> str:
        """The app's request URL. While it is set, everything is delivered as signed HTTP."""
        return self._requests.url

    @http_target.setter
    def http_target(self, url: str) -> None:
        self._requests.url = url

    @property
    def faults(self) -> Faults:
        return self._sender.faults

    @property
    def connections(self) -> int:
        return self._sockets.connections

    def signed(self, body: str, at: float | None = None) -> dict[str, str]:
        """The headers of a genuine request with this body, for tests that forge or replay one."""
        return self._requests.headers(body, at)

    async def verify_url(self) -> bool:
        # Slack demands the challenge back before it delivers to a URL.
        challenge = secrets.token_urlsafe(18)
        asked = {"type": "url_verification", "token": payloads.VERIFICATION_TOKEN, "challenge": challenge}
        ack = await self._requests.carry(Attempt(EVENT, asked))
        return challenge in {ack.payload.get("challenge"), ack.payload.get("text")}

    async def deliver(self, kind: str, payload: Json) -> Ack:
        return await self._sender.deliver(kind, payload)

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Ask the app to reconnect (`warning`, `refresh_requested`), as Slack does every few hours."""
        await self._sockets.disconnect(reason)

    def drop_sockets(self) -> None:
        self._sockets.drop()

    # ---- what people do -----------------------------------------------------------------------------

    async def command(self, user: str, text: str = "", *, channel: str = "", command: str = "/quota") -> Ack:
        """Type a slash command, by default in the direct messages with the bot."""
        person, place = self.person(user), self.channel(channel or user)
        if not self.installed.knows(command):
            self.notice(user, place.id, f"{command} is not a valid command.")
            return Ack(None, error="invalid_command")
        url, address = self.new_response_url(user, place.id)
        typed = self._typed(text, "<@{id}|{name}>")
        fields = payloads.command(self, person, place, name=command, text=typed, response_url=address)
        ack = await self._sender.deliver(COMMAND, fields)
        if not ack.ok:
            self.notice(user, place.id, f'{command} failed with the error "{ack.error}"')
            return ack
        try:
            message = answer(self, url, Arguments(ack.payload)) if ack.payload else None
        except SlackError as error:
            self.violation("slash_commands", "; ".join((error.code, *error.messages)))
            self.notice(user, place.id, f'{command} failed with the error "invalid_command_response"')
            return ack
        return replace(ack, message=message)

    async def say(
        self,
        user: str,
        text: str,
        *,
        channel: str = "",
        thread_ts: str = "",
        subtype: str = "",
        files: Iterable[str] = (),
    ) -> Ack:
        """Write a message, by default to the bot. In a channel the app gets only mentions.

        `files`: names of attachments; Slack then says `file_share`.
        """
        person, place = self.person(user), self.channel(channel or user)
        message = self.post(place.id, user, self._typed(text, "<@{id}>"), thread_ts=thread_ts)
        if not place.is_im and f"<@{self.bot.id}>" not in message.text:
            return Ack(None, message=message)
        kind = "message" if place.is_im else "app_mention"
        ack = await self._sender.deliver(EVENT, payloads.said(self, person, message, kind, subtype, files))
        return replace(ack, message=message)

    async def press(self, user: str, where: Message | View, action_id: str, value: Any = None) -> Ack:
        """Click a button, or choose `value` from a menu. Of several buttons with this action_id, `value` picks one; an unknown value is forged.

        The clicker need not be able to see it, and an earlier copy can be pressed late.
        """
        person, element = self.person(user), _element(where, action_id, value)
        action = payloads.action(self, element, element.get("value") if value is None else value)
        if isinstance(where, View):
            payload = payloads.press_on_view(self, person, where, action)
        else:
            _, address = self.new_response_url(user, where.channel, where)
            payload = payloads.press_on_message(self, person, where, action, address)
        ack = await self._sender.deliver(INTERACTION, payload)
        if not ack.ok:
            place = where.channel if isinstance(where, Message) else ""
            self.notice(user, place, _unanswered(ack))
        return ack

    async def submit(self, user: str, view: View, values: dict[str, Any] | None = None) -> Ack:
        """Fill in the inputs (named by block_id or action_id) and submit; the app's answer is applied.

        Slack itself rejects an empty required input: the app gets nothing, and `error` says so.
        """
        view.values = input_values(view, values or {})
        view.errors = missing(view, view.values)
        if view.errors:
            self.show_view(view)
            return Ack(None, error="required_field")
        ack = await self._sender.deliver(INTERACTION, payloads.submission(self, self.person(user), view))
        if ack.ok:
            views.settle(self, view, ack.payload)
        else:
            views.fail(self, view, f"not acknowledged: {ack.error}")
        return ack

    async def close(self, user: str, view: View) -> Ack:
        """Dismiss a modal; the app hears of it only if the view asked for that."""
        views.close(self, view)
        if not view.given.get("notify_on_close"):
            return Ack(None)
        payload = payloads.closing(self, self.person(user), view, is_cleared=False)
        return await self._sender.deliver(INTERACTION, payload)

    async def open_home(self, user: str, *, tab: str = "home") -> Ack:
        inner: Json = {"type": "app_home_opened", "user": self.person(user).id, "channel": self.dm(user).id}
        inner |= {"tab": tab, "event_ts": self.ts()}
        if user in self.homes and tab == "home":
            inner["view"] = self.wire(self.homes[user])
        return await self._sender.deliver(EVENT, payloads.event(self, inner))

    async def join(self, person: Person) -> Ack:
        """A new person joins (`team_join`), and is in every public channel."""
        self.people[person.id] = person = self.placed(person)
        for channel in self.channels.values():
            if not (channel.is_im or channel.is_private):
                channel.members.append(person.id)
        return await self._about_person("team_join", person)

    async def change(self, user: str, **facts: object) -> Ack:
        """A person is renamed, deactivated, made a guest … (`user_change`)."""
        return await self._about_person("user_change", self.change_person(user, **facts))

    def new_response_url(
        self, user: str, channel: str, message: Message | None = None
    ) -> tuple[ResponseUrl, str]:
        token = secrets.token_urlsafe(18)
        url = ResponseUrl(user, channel, self.clock(), message and self.original(message))
        self.response_urls[token] = url
        return url, f"{self.url}response/{token}"

    # ---- for the page -------------------------------------------------------------------------------

    def snapshot(self, viewer: str) -> Json:
        """Everything that one person sees now, ready for JSON; `changes()` continues from here."""
        return {
            "team": {"id": self.team_id, "domain": self.team_domain},
            "viewer": viewer,
            "people": [person.as_slack(self.team_id, with_locale=True) for person in self.people.values()],
            "channels": [
                one.as_slack(self.bot.id) for one in self.channels.values() if viewer in one.members
            ],
            "messages": [self.pictured(message) for message in self.seen_by(viewer)],
            "modals": [self.wire(view) | {"errors": view.errors} for view in self.modals.get(viewer, [])],
            "home": self.wire(self.homes[viewer]) if viewer in self.homes else None,
            "notices": [
                {"channel": one.channel, "text": one.text} for one in self.notices if one.user == viewer
            ],
            "violations": [{"method": one.method, "what": one.what} for one in self.violations],
            "faults": [fault.as_json() for fault in self.faults.planned],
            "connections": self.connections,
        }

    # ---- inside -------------------------------------------------------------------------------------

    def _typed(self, text: str, mention: str) -> str:
        # Slack sends mentions as ids, and the rest of the text escaped.
        names = {person.name: person for person in self.people.values()}
        known = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
        parts = re.split(rf"(<[@#!][^>]*>|(?<![A-Za-z0-9._])@(?:{known})(?![A-Za-z0-9_]))", text)
        for number, part in enumerate(parts):
            if part.startswith("@") and part[1:] in names:
                person = names[part[1:]]
                parts[number] = mention.format(id=person.id, name=person.name)
            elif number % 2 == 0:
                parts[number] = html.escape(part, quote=False)
        return "".join(parts)

    async def _about_person(self, kind: str, person: Person) -> Ack:
        user = person.as_slack(self.team_id, with_locale=True)
        inner = {"type": kind, "user": user, "cache_ts": int(self.clock()), "event_ts": self.ts()}
        return await self._sender.deliver(EVENT, payloads.event(self, inner))


def _element(where: Message | View, action_id: str, value: Any) -> Json:
    found = [element for element in elements(where.blocks) if element["action_id"] == action_id]
    if not found:
        raise KeyError(f"no {action_id!r} here; there are {sorted(where.actions)}")
    return next((element for element in found if element.get("value") == value), found[0])


def _unanswered(ack: Ack) -> str:
    if ack.error == TIMED_OUT:
        return "Operation timed out. Apps need to respond within 3 seconds."
    return (
        f"This app responded with status code {ack.status}." if ack.status else "This app is not responding."
    )
