"""Approvals stored in keys, shapes and refs by an earlier version are understood after the migration."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import Session, select

from bot.migrate import migrate
from models.messages.approval import Approval, ApprovalForm, approval_form
from models.messages.outbox import Effect, promise
from tests.company import NOW
from tests.models.migrations.earlier import database_before

APPROVAL = Approval("7F3K", "dingtalk:pia/1,x", ("dingtalk:lee", "dingtalk:olga"))
SHAPE = "oa/7F3K/pia%2F1%2Cx/lee,olga"
REFS = {  # of an approval: its instance, and whether it is over
    None: (None, False),
    "oa:7F3K:inst:1": ("inst:1", False),
    "oa:7F3K:inst:1:over": ("inst:1", True),
    "oa:7F3K::over": ("", True),
}
Migrated = tuple[dict[str, Effect], ApprovalForm | None]
PLAIN = {"text:pia": "", "group:key": "", "qb-card": "qb-card", "C1:1.2": "C1:1.2"}


def store(session: Session, key: str, kind: str, payload: dict[str, Any], ref: str | None = None) -> None:
    promise(session, Effect(key=key, kind=kind, payload=payload, due_at=NOW))
    session.execute(text("UPDATE effect SET ref = :ref WHERE key = :key"), {"ref": ref, "key": key})


def said(shape: str, address: str) -> dict[str, Any]:
    return {"address": address, "message": {}, "shape": shape, "reader": None}


def _old_rows(session: Session) -> None:
    for ref in REFS:
        store(session, f"approval {ref}", "say", said(SHAPE, f"dingtalk:{SHAPE}"), ref)
    for ref in PLAIN:
        store(session, f"plain {ref}", "say", said("full", "dingtalk:pia"), ref)
    store(session, "look", "review", {"ref": "oa:7F3K:inst"})
    store(session, "dingtalk:form", "mark", {}, "PROC-1")


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def migrated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Migrated:
    """All rows by their keys, and the form: each database is migrated once, with every kind of old row in it."""
    with database_before(request, tmp_path_factory.mktemp("before")) as database:
        database.transact(_old_rows)
        migrate(database.engine)
        rows = database.transact(lambda session: session.exec(select(Effect)).all())
        form = database.transact(approval_form)
    return {one.key: one for one in rows}, form


def test_an_approval(migrated: Migrated) -> None:
    for ref, (instance, over) in REFS.items():
        found = migrated[0][f"approval {ref}"]
        approval = Approval.of(found)
        assert approval == APPROVAL, ref
        assert (approval.over, found.ref, found.payload["address"]) == (over, instance, APPROVAL.requester)


def test_the_ref_of_words_that_cannot_be_changed_is_empty(migrated: Migrated) -> None:
    found = {ref: migrated[0][f"plain {ref}"] for ref in PLAIN}
    assert {ref: one.ref for ref, one in found.items()} == PLAIN
    assert [Approval.of(one) for one in found.values()] == [None] * len(PLAIN)


def test_a_promised_look(migrated: Migrated) -> None:
    assert migrated[0]["look"].payload == {"messenger": "dingtalk", "ref": "inst", "code": "7F3K"}


def test_the_form(migrated: Migrated) -> None:
    assert migrated[1] == ApprovalForm("dingtalk", "PROC-1", "zh")
