"""A third messenger is one folder and one row: people come from its column of people.csv, ask, approve and lend."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import pytest
from sqlmodel import Session, delete

from bot.app import App, open_app
from bot.database import Database
from bot.messengers import registry
from bot.messengers.port import Approvals, Endpoints, Home, Metered, People, Profiles
from bot.people.csv import write_people
from bot.people.sync import apply, export_people, survey
from bot.settings import Settings
from models.ledger.audit import audit
from models.people.member import Address
from models.people.messenger import TRAITS, traits_of
from models.quota.wallet import wallet_of
from sandbox.gateways.litellm import LiteLLM
from tests.company import CAST, NOW, who
from tests.slack_env import PATIENT
from tests.third_messenger import ROW, Lines, Phone

USD = 1_000_000


@pytest.fixture
def third_row() -> Iterator[None]:
    """The registry with a third row."""
    registry.add(ROW)
    yield
    del registry.MESSENGERS[ROW.name], TRAITS[ROW.name]


@dataclass
class Town:
    """The bot with the third messenger alone, and a gateway that enforces."""

    app: App
    phones: dict[str, Phone]

    async def connect(self, name: str) -> Phone:
        lines = self.app.messengers["lines"]
        assert isinstance(lines, Lines)
        self.phones[name] = await Phone.connect(lines.port, name)
        return self.phones[name]

    def available(self, name: str) -> int:
        found = self.app.database.transact(lambda session: wallet_of(session, who(session, name).id))
        return found.available // USD


@pytest.fixture
async def town(third_row: None, settled_on: Callable[[str], str]) -> AsyncIterator[Town]:
    async with LiteLLM() as gateway:
        for name in CAST:
            gateway.add_key(f"{name}@corp.example", key_alias=name)
        settings = Settings(
            _env_file=None, database_url=settled_on("sqlite"), http_port=0, gateway_kind="litellm",
            gateway_url=gateway.url, gateway_key=gateway.key, gateway_mode="enforce", gateway_sync_seconds=1,
        )  # fmt: skip
        async with open_app(settings, lambda: NOW, PATIENT) as app:
            app.database.transact(_move_everybody)
            stop = asyncio.Event()
            running = asyncio.create_task(app.run(stop))
            found = Town(app, {})
            try:
                while not (app.runner and app.messengers["lines"].ready()):  # noqa: ASYNC110 - seen from outside
                    await asyncio.sleep(0.01)
                yield found
            finally:
                for phone in found.phones.values():
                    phone.close()
                stop.set()
                with contextlib.suppress(asyncio.CancelledError):
                    await running


def _move_everybody(session: Session) -> None:
    """Everybody leaves Slack and gets an id of the third messenger, by people.csv."""
    session.exec(delete(Address))
    people = list(csv.DictReader(io.StringIO(export_people(session))))
    for person in people:
        person |= {"slack_id": "", "lines_id": person["name"].lower()}
    changes = survey(session, write_people(people, []).encode())
    apply(session, changes, NOW)


async def test_a_request_is_asked_approved_and_live_on_the_third_messenger(town: Town) -> None:
    pia, lee = await town.connect("pia"), await town.connect("lee")
    pia.say("request 300 load test")
    await pia.hear("Your request for $300.00")
    card = await lee.hear("$300.00", "load test", "[approve ")
    code = re.search(r"\[approve (\w+)\]", card)
    assert code is not None
    lee.say(f"approve {code[1]}")
    await lee.hear("$300.00", "Lee")
    await pia.hear("Lee approved $300.00 for you")
    assert town.available("pia") == 800
    assert town.app.database.transact(audit).wrong == []


async def test_quota_is_lent_by_name_on_the_third_messenger(town: Town) -> None:
    alice, bob = await town.connect("alice"), await town.connect("bob")
    alice.say("lend bob 20")
    await alice.hear("Lend $20.00 to Bob", "[yes]")
    alice.say("yes")
    await alice.hear("You lent $20.00 to Bob")
    await bob.hear("Alice", "$20.00")
    assert (town.available("alice"), town.available("bob")) == (80, 120)


async def test_a_third_messenger_without_options_gets_the_usual_ones(town: Town) -> None:
    lines = town.app.messengers["lines"]
    assert list(town.app.messengers) == ["lines"]
    assert not isinstance(lines, Home | Profiles | People | Approvals | Endpoints | Metered)
    assert traits_of("lines").language == "en"
    alice = await town.connect("alice")
    alice.say("help")
    await alice.hear("balance", "request")


def test_the_export_has_the_column_of_the_third_messenger(
    third_row: None, settled_on: Callable[[str], str]
) -> None:
    database = Database(settled_on("sqlite"))
    database.transact(_move_everybody)
    header, first, *_ = database.transact(export_people).splitlines()
    database.close()
    assert header.startswith("name,email,slack_id,dingtalk_id,lines_id,gateway_id")
    assert first.startswith("Alice,alice@corp.example,,,alice,")
