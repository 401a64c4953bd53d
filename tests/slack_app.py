"""A small slack_bolt app and its ways to reach the stand-in Slack, for the tests of the stand-in."""

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.workspace import Channel, Person, Workspace

ALICE = Person(
    "U01", "alice", "Alice Li", "alice@corp.example", locale="zh-CN", tz="Asia/Shanghai", manager="U03"
)
BOB = Person("U02", "bob", "Bob Stone", "bob@corp.example")
CAROL = Person("U03", "carol", "Carol Wu", "carol@corp.example", is_admin=True)
GUEST = Person("U04", "gus", "Gus Guest", "gus@out.example", is_restricted=True)
STRANGER = Person("U05", "sam", "Sam Far", team_id="T0FAR", is_stranger=True)
GONE = Person("U06", "gina", "Gina Gone", "gina@corp.example", deleted=True)
PEOPLE = [ALICE, BOB, CAROL, GUEST, STRANGER, GONE]
CHANNELS = [
    Channel("C01", "general", ["U01", "U02", "U03", "U04", "U0QUOTABOT"]),
    Channel("C02", "elsewhere", ["U01", "U02"]),
    Channel("C03", "old", ["U01", "U0QUOTABOT"], is_archived=True),
]


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def buttons(*ids: str, value: str = "R1") -> dict[str, Any]:
    made = [{"type": "button", "action_id": one, "text": plain(one), "value": value} for one in ids]
    return {"type": "actions", "elements": made}


FORM = {
    "type": "modal",
    "callback_id": "lend.new",
    "private_metadata": "from C01",
    "title": plain("Lend quota"),
    "submit": plain("Lend"),
    "notify_on_close": True,
    "blocks": [
        {
            "type": "input",
            "block_id": "to",
            "label": plain("To"),
            "element": {"type": "users_select", "action_id": "to"},
        },
        {
            "type": "input",
            "block_id": "amount",
            "label": plain("Amount"),
            "element": {"type": "number_input", "action_id": "amount", "is_decimal_allowed": True},
        },
    ],
}


@dataclass
class Heard:
    """What the app under test was told."""

    bodies: list[dict[str, Any]] = field(default_factory=list)
    hold: asyncio.Event = field(default_factory=asyncio.Event)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [body for body in self.bodies if kind in (body.get("type"), body.get("event", {}).get("type"))]


def bolt_app(slack: Workspace, heard: Heard) -> AsyncApp:
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
    app = AsyncApp(client=client, signing_secret=slack.signing_secret, process_before_response=True)

    @app.middleware
    async def listen(body, next):  # noqa: A002  (Bolt names it)
        heard.bodies.append(body)
        await next()

    @app.command("/quota")
    async def on_command(ack, body, client):
        if body["text"] == "sleep":
            await heard.hold.wait()
        if body["text"] == "form":
            await client.views_open(trigger_id=body["trigger_id"], view=FORM)
            return await ack()
        return await ack(
            text=f"heard {body['text']}", blocks=[section(f"heard {body['text']}"), buttons("greet")]
        )

    @app.action("greet")
    async def on_greet(ack, respond, action):
        await ack()
        if respond.response_url:
            await respond(text=f"greeted {action['value']}", replace_original=True)

    @app.view("lend.new")
    async def on_lend(ack, body, client, view):
        values = view["state"]["values"]
        if values["amount"]["amount"]["value"] == "0":
            return await ack(response_action="errors", errors={"amount": "More than nothing, please."})
        await client.chat_postMessage(channel=values["to"]["to"]["selected_user"], text="A loan for you")
        return await ack()

    @app.view_closed("lend.new")
    async def on_closed(ack):
        await ack()

    @app.event("app_home_opened")
    async def on_home(event, client):
        blocks = [section("*100 left*"), buttons("greet")]
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})

    @app.event("app_mention")
    async def on_mention(event, client):
        await client.chat_postEphemeral(
            channel=event["channel"], user=event["user"], thread_ts=event.get("thread_ts"), text="I am here"
        )

    @app.event("message")
    async def on_message(event, say):
        await say(text=f"echo {event['text']}")

    @app.event("user_change")
    async def on_change():
        pass

    return app


@asynccontextmanager
async def over_sockets(slack: Workspace, app: AsyncApp, connections: int = 1):
    handlers = [AsyncSocketModeHandler(app, slack.app_token, ping_interval=0.1) for _ in range(connections)]
    try:
        for handler in handlers:
            await handler.connect_async()
        await slack.wait_for(lambda: slack.connections == connections)
        yield handlers
    finally:
        for handler in handlers:
            await handler.close_async()


@asynccontextmanager
async def over_http(slack: Workspace, app: AsyncApp):
    async def events(request: web.Request) -> web.Response:
        return await to_aiohttp_response(await app.async_dispatch(await to_bolt_request(request)))

    site = web.Application()
    site.router.add_post("/slack/events", events)
    runner = web.AppRunner(site, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.http_target = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    try:
        yield runner
    finally:
        await runner.cleanup()


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def listening(handler):
    """A bare request URL."""
    site = web.Application()
    site.router.add_post("/", handler)
    runner = web.AppRunner(site, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()
