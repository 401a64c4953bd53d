"""Approvals stored in keys, shapes and refs by an earlier version are understood after the migration."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import select

from bot.database import Database
from bot.migrate import migrate
from models.messages.approval import Approval, ApprovalForm, approval_form
from models.messages.outbox import Effect, promise
from tests.company import NOW

APPROVAL = Approval("7F3K", "dingtalk:pia/1,x", ("dingtalk:lee", "dingtalk:olga"))


def store(
    database: Database, kind: str, payload: dict[str, Any], ref: str | None = None, key: str = "k"
) -> None:
    def work(session: Any) -> None:
        promise(session, Effect(key=key, kind=kind, payload=payload, due_at=NOW))
        session.execute(text("UPDATE effect SET ref = :ref"), {"ref": ref})

    database.transact(work)


def migrated(database: Database) -> Effect:
    migrate(database.engine)
    return database.transact(lambda session: session.exec(select(Effect)).one())


def said(shape: str, address: str) -> dict[str, Any]:
    return {"address": address, "message": {}, "shape": shape, "reader": None}


@pytest.mark.parametrize(
    ("ref", "instance", "over"),
    [
        (None, None, False),
        ("oa:7F3K:inst:1", "inst:1", False),
        ("oa:7F3K:inst:1:over", "inst:1", True),
        ("oa:7F3K::over", "", True),
    ],
)
def test_an_approval(before: Database, ref: str | None, instance: str | None, over: bool) -> None:
    shape = "oa/7F3K/pia%2F1%2Cx/lee,olga"
    store(before, "say", said(shape, f"dingtalk:{shape}"), ref)
    found = migrated(before)
    approval = Approval.of(found)
    assert approval == APPROVAL
    assert (approval.over, found.ref, found.payload["address"]) == (over, instance, APPROVAL.requester)


@pytest.mark.parametrize(
    ("ref", "becomes"), [("text:pia", ""), ("group:key", ""), ("qb-card", "qb-card"), ("C1:1.2", "C1:1.2")]
)
def test_the_ref_of_words_that_cannot_be_changed_is_empty(before: Database, ref: str, becomes: str) -> None:
    store(before, "say", said("full", "dingtalk:pia"), ref)
    found = migrated(before)
    assert (found.ref, Approval.of(found)) == (becomes, None)


def test_a_promised_look(before: Database) -> None:
    store(before, "review", {"ref": "oa:7F3K:inst"})
    assert migrated(before).payload == {"messenger": "dingtalk", "ref": "inst", "code": "7F3K"}


def test_the_form(before: Database) -> None:
    store(before, "mark", {}, "PROC-1", key="dingtalk:form")
    migrated(before)
    assert before.transact(approval_form) == ApprovalForm("dingtalk", "PROC-1", "zh")
