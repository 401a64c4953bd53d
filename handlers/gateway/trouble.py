"""For the gateway loop: tell admins what is wrong at the gateway, each thing once a day."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.admins import policy_admins, to_admins
from handlers.context import Context, Reader
from handlers.words import texts
from handlers.words.text import SafeText, Text, listed
from models.ledger.amount import Unit, shown
from models.messages.message import Button, Message, escape
from models.metering.accounts import shared_accounts
from models.metering.adoption import take_news
from models.metering.gateway_account import GatewayAccount
from models.metering.gateway_state import GatewayState
from models.metering.model_list import Words
from models.metering.reading import News
from models.people.member import Member

MOST_NAMED = 5
TEXTS = {
    News.GONE: texts.ACCOUNTS_GONE,
    News.LIFTED: texts.LIMITS_LIFTED,
    News.UNENFORCED: texts.NOT_ENFORCED,
}


def tell_news(ctx: Context, gateway: str) -> None:
    for news, accounts in take_news(ctx.session, gateway).items():
        fresh = [one for one in accounts if ctx.first_time(_key(ctx, news, one))]
        if not fresh:
            continue
        if news is News.EDITED and GatewayState.of(ctx.session, gateway).restored_at is not None:
            continue  # no hand did that: see handlers.gateway.restored
        if news is News.EDITED:
            _tell_edits(ctx, [one for one in fresh if one.edited or one.model_list.edited])
        else:
            _tell_all(ctx, TEXTS[news], fresh, figures=news is News.UNENFORCED)


def tell_shared(ctx: Context, gateway: str) -> None:
    """Admins hear of people with several accounts, once for these accounts."""
    for member_id, accounts in shared_accounts(ctx.session, gateway).items():
        if not ctx.first_time(f"gateway:shared:{member_id}:{'+'.join(one.id for one in accounts)}"):
            continue
        owner = ctx.session.get_one(Member, member_id)

        def said(
            reader: Reader, owner: Member = owner, accounts: Sequence[GatewayAccount] = accounts
        ) -> Message:
            which = SafeText(listed((escape(one.label) for one in accounts), reader.locale))
            text = texts.ACCOUNTS_SHARED(reader.locale, who=owner.name, count=len(accounts), accounts=which)
            return Message(text=text)

        to_admins(ctx, said)


def _key(ctx: Context, news: News, account: GatewayAccount) -> str:
    stands = f":{account.total}:{account.model_list.stands}" if news is News.EDITED else ""
    return f"gateway:{news}:{account.id}{stands}:{ctx.now:%Y-%m-%d}"


def _tell_all(ctx: Context, text: Text, accounts: Sequence[GatewayAccount], *, figures: bool) -> None:
    to_admins(
        ctx, lambda reader: Message(text=text(reader.locale, accounts=named(ctx, reader, accounts, figures)))
    )


def _tell_edits(ctx: Context, accounts: Sequence[GatewayAccount]) -> None:
    # One by one with buttons, or as one list where there are many.
    for admin in policy_admins(ctx.session, ctx.policy):
        reader = ctx.reader_of(admin)
        if len(accounts) > MOST_NAMED:
            which = named(ctx, reader, accounts, figures=False)
            text = texts.LIMITS_EDITED(reader.locale, count=len(accounts), accounts=which)
            ctx.tell(admin, Message(text=text))
            continue
        for one in accounts:
            ctx.tell(admin, _edit(ctx, reader, one))


def _edit(ctx: Context, reader: Reader, account: GatewayAccount) -> Message:
    restore = Button(texts.RESTORE_BUTTON(reader.locale), "gateway.restore", account.id, "primary")
    if not account.edited:
        found, ours = (
            _models(reader, words) for words in (account.model_list.stands, account.model_list.written or ())
        )
        text = texts.LIST_EDITED(reader.locale, account=label(ctx, account), ours=ours, found=found)
        return Message(text=text, buttons=(restore,))
    ours, found = usd(reader, account.written), usd(reader, account.total)
    text = texts.LIMIT_EDITED(reader.locale, account=label(ctx, account), ours=ours, found=found)
    adopt = Button(texts.ADOPT_BUTTON(reader.locale), "gateway.adopt", account.id)
    return Message(text=text, buttons=(restore, adopt))


def _models(reader: Reader, words: Words) -> SafeText:
    return SafeText(listed(map(escape, words), reader.locale)) or texts.EVERY_MODEL(reader.locale)


def named(ctx: Context, reader: Reader, accounts: Sequence[GatewayAccount], figures: bool) -> SafeText:
    names = [_figures(ctx, reader, one) if figures else label(ctx, one) for one in accounts[:MOST_NAMED]]
    found = SafeText(listed(names, reader.locale))
    more = len(accounts) - MOST_NAMED
    return texts.ACCOUNTS_AND_MORE(reader.locale, accounts=found, count=more) if more > 0 else found


def _figures(ctx: Context, reader: Reader, account: GatewayAccount) -> SafeText:
    spent, limit = usd(reader, account.spent), usd(reader, account.total)
    return texts.SPENT_OF_LIMIT(reader.locale, account=label(ctx, account), spent=spent, limit=limit)


def label(ctx: Context, account: GatewayAccount) -> SafeText:
    """The owner, and the gateway's name for the account."""
    owner = ctx.session.get_one(Member, account.member_id)
    called = f" ({escape(account.name)})" if account.name not in ("", owner.name) else ""
    return SafeText(escape(owner.name) + called)


def usd(reader: Reader, micro: int | None) -> SafeText:
    return texts.NO_LIMIT(reader.locale) if micro is None else SafeText(shown(micro, Unit.USD, reader.locale))
