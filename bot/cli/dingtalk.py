"""dingtalk usage, install-template, form."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from sqlmodel import Session

from bot.cli.bundled import bundled
from bot.cli.console import open_database
from bot.cli.errors import Failed
from bot.cli.output import as_json, table
from bot.database import Database
from bot.messengers.dingtalk import form
from bot.settings import Settings
from models.metering.vendor_calls import CallCount, counted, month_of

if TYPE_CHECKING:
    from bot.messengers.dingtalk.adapter import DingTalk

app = typer.Typer(name="dingtalk", help="DingTalk's own things.", no_args_is_help=True)

# Metered calls a month of an organisation on the free plan (标准版), for all its internal apps together.
FREE = 5_000
CARD = "dingtalk-card.json"
TEMPLATE = "quotabot"


@app.command()
def usage(
    month: Annotated[str | None, typer.Option(help="Such as 2026-11; this month when left out.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Our calls to DingTalk in a month, and which of them count against the organisation's quota."""
    wanted = month or month_of(datetime.now(UTC))
    with open_database() as database:
        rows = database.query(lambda session: _rows(session, wanted))
    metered = sum(one.calls for one in rows if one.metered)
    if json_:
        calls = [{"api": one.api, "metered": one.metered, "calls": one.calls} for one in rows]
        as_json({"month": wanted, "metered": metered, "free_plan": FREE, "calls": calls})
        return
    table([(str(one.calls), one.api, "" if one.metered else "not metered") for one in rows])
    typer.echo(f"{wanted}: {metered} metered calls; the free plan has {FREE} for all apps of an organisation")


def _rows(session: Session, month: str) -> list[CallCount]:
    found = counted(session, month)
    session.expunge_all()
    return found


@app.command("install-template")
def install_template(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE.json]", help="An exported design; ours when left out.")
    ] = None,
    name: Annotated[str, typer.Option(help="What it is called on the card platform.")] = TEMPLATE,
) -> None:
    """Create, fill and publish the card's template; prints what to put into DINGTALK_CARD_TEMPLATE_ID.

    Needs the permission Card.Template.ReadWrite.All. DingTalk documents no page for these calls: where they are
    refused, docs/dingtalk.md tells how to import the file by hand.
    """
    settings = _settings()
    design = (file or bundled(CARD)).read_text(encoding="utf-8")
    with open_database(settings) as database:
        template = asyncio.run(_install(settings, database, name, design))
    typer.echo(f"DINGTALK_CARD_TEMPLATE_ID={template}")


@app.command("form")
def make_form(
    code: Annotated[
        str | None, typer.Argument(metavar="[PROC-…]", help="A form that is there already.")
    ] = None,
) -> None:
    """Make the form on which requests go out as DingTalk's own approval (requests.channel: oa); prints its processCode.

    The database remembers it. Done again, or with the processCode of a form that is there, that form gets our fields.
    Needs the permission Workflow.Form.Write.
    """
    settings = _settings()
    with open_database(settings) as database:
        made = asyncio.run(_make_form(settings, database, code or ""))
        database.transact(lambda session: form.remember(session, made, datetime.now(UTC)))
    typer.echo(made)


def _settings() -> Settings:
    settings = Settings.load()
    if not settings.dingtalk_client_id or settings.dingtalk_client_secret is None:
        raise Failed("DingTalk is off: DINGTALK_CLIENT_ID and DINGTALK_CLIENT_SECRET are not both set")
    return settings


async def _install(settings: Settings, database: Database, name: str, design: str) -> str:
    by_hand = f"Import docs/{CARD} by hand as docs/dingtalk.md tells."
    async with _dingtalk(settings, database, by_hand) as dingtalk:
        template = await dingtalk.api.create_template(name)
        await dingtalk.api.save_template(template, name, design)
        await dingtalk.api.publish_template(template)
    return template


async def _make_form(settings: Settings, database: Database, code: str) -> str:
    # A remembered form may have been deleted in DingTalk; then a new one is made.
    from bot.messengers.dingtalk import workflow  # noqa: PLC0415 - the messengers' libraries take a second to load
    from bot.messengers.dingtalk.errors import DingTalkError  # noqa: PLC0415

    known = database.query(form.process_code)
    named = f"If a form {form.NAME} is there already, name its processCode: `quotabot dingtalk form PROC-…`."
    fields = (form.NAME, form.LABELS.values())
    async with _dingtalk(settings, database, named) as dingtalk:
        try:
            return await workflow.save_form(dingtalk.api, *fields, long=form.LONG, code=code or known)
        except DingTalkError as error:
            if code or not known or error.code != workflow.NO_SUCH_FORM:
                raise
            return await workflow.save_form(dingtalk.api, *fields, long=form.LONG)


@contextlib.asynccontextmanager
async def _dingtalk(settings: Settings, database: Database, way_out: str) -> AsyncIterator[DingTalk]:
    """The adapter. Its errors become a line with the missing permission and `way_out`."""
    import aiohttp  # noqa: PLC0415 - the messengers' libraries take a second to load

    from bot.clock import utc_now  # noqa: PLC0415
    from bot.dispatch import Dispatcher  # noqa: PLC0415
    from bot.messengers.dingtalk.adapter import DingTalk  # noqa: PLC0415
    from bot.messengers.dingtalk.errors import DingTalkError  # noqa: PLC0415

    async with aiohttp.ClientSession() as http:
        dingtalk = DingTalk(settings, Dispatcher(database, utc_now), http)
        try:
            yield dingtalk
        except DingTalkError as error:
            scopes = (
                f" Missing permission: {', '.join(error.missing_scopes)}." if error.missing_scopes else ""
            )
            raise Failed(f"DingTalk refuses: {error}.{scopes} {way_out}") from error
        finally:
            await dingtalk.tally.write()
