"""Approvals, and words that cannot be changed, as data: nothing is read out of shapes, addresses and refs any more."""

from typing import Any
from urllib.parse import unquote

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

EFFECT = sa.table(
    "effect",
    sa.column("id", sa.BigInteger),
    sa.column("key", sa.String),
    sa.column("kind", sa.String),
    sa.column("payload", sa.JSON),
    sa.column("ref", sa.String),
)


def upgrade() -> None:
    column = EFFECT.c
    unchangeable = column.ref.like("text:%") | column.ref.like("group:%")
    op.execute(EFFECT.update().where(column.kind == "say", unchangeable).values(ref=""))
    form = {"messenger": "dingtalk", "locale": "zh"}
    op.execute(EFFECT.update().where(column.key == "dingtalk:form").values(key="approval:form", payload=form))
    shape = column.payload["shape"].as_string()
    approvals = sa.select(EFFECT).where(column.kind == "say", shape.like("oa/%"))
    reviews = sa.select(EFFECT).where(column.kind == "review")
    connection = op.get_bind()
    for row in connection.execute(approvals).all():
        _change(row.id, _approval(row.payload, row.ref), _instance(row.ref))
    for row in connection.execute(reviews).all():
        _, code, instance = row.payload["ref"].split(":", 2)
        _change(row.id, {"messenger": "dingtalk", "ref": instance, "code": code}, row.ref)


def _change(number: int, payload: dict[str, Any], ref: str | None) -> None:
    op.execute(EFFECT.update().where(EFFECT.c.id == number).values(payload=payload, ref=ref))


def _approval(payload: dict[str, Any], ref: str | None) -> dict[str, Any]:
    """From the shape `oa/CODE/REQUESTER/APPROVER,APPROVER`, whose ids are escaped."""
    _, code, requester, approvers = payload["shape"].split("/")
    address = f"dingtalk:{unquote(requester)}"
    approval = {
        "code": code,
        "requester": address,
        "approvers": [f"dingtalk:{unquote(one)}" for one in approvers.split(",")],
        "over": ref is not None and ref.endswith(":over"),
    }
    return payload | {"address": address, "shape": "", "approval": approval}


def _instance(ref: str | None) -> str | None:
    """From the ref `oa:CODE:INSTANCE`, with `:over` behind it when DingTalk was through with it."""
    return None if ref is None else ref.removesuffix(":over").split(":", 2)[2]


def downgrade() -> None:
    raise RuntimeError("the ledger is not thrown away by a command")
