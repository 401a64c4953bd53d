"""Records of authority and of decisions, the chain over them, and tables that refuse changes."""

from __future__ import annotations

import hashlib
import json
import secrets

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEPT = ("transfer", "forgiveness", "seal")
ERASABLE = {
    "authority": (("id", "at", "actor", "what", "member_id", "digest"), ("was", "becomes", "salt")),
    "decision": (
        ("id", "request_id", "code", "outcome", "amount", "granted", "until", "decider_id", "for_id", "at", "actor", "cause", "policy", "digest"),
        ("reason", "answer", "salt"),
    ),
}  # fmt: skip
REFUSE = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is only added to', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$
"""


def upgrade() -> None:
    _authority()
    _decision()
    _seal()
    _keep_old_decisions()
    _refuse_changes()


def _authority() -> None:
    op.create_table(
        "authority",
        sa.Column("id", ID, primary_key=True, nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), sa.ForeignKey("member.id"), nullable=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("was", "becomes", "salt", "digest")),
    )
    op.create_index("ix_authority_member_id", "authority", ["member_id"])


def _decision() -> None:
    op.create_table(
        "decision",
        sa.Column("id", ID, primary_key=True, nullable=False),
        sa.Column("request_id", sa.BigInteger(), sa.ForeignKey("request.id"), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("granted", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("decider_id", sa.BigInteger(), sa.ForeignKey("member.id"), nullable=True),
        sa.Column("for_id", sa.BigInteger(), sa.ForeignKey("member.id"), nullable=True),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("policy", sa.Integer(), nullable=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("reason", "answer", "salt", "digest")),
    )
    op.create_index("ix_decision_request_id", "decision", ["request_id"])


def _seal() -> None:
    op.create_table(
        "seal",
        sa.Column("id", sa.BigInteger(), primary_key=True, autoincrement=False, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("after", sa.BigInteger(), nullable=False),
        sa.Column("upto", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
    )
    op.create_index("ix_seal_hash", "seal", ["hash"])
    op.create_index("ix_seal_source", "seal", ["source", "upto"])


OLD = """
SELECT id AS request_id, code, amount, granted, until, decided_by_id AS decider_id, decided_at AS at, policy, reason, answer,
  CASE WHEN state IN ('approved', 'applied', 'apply_failed') THEN 'approved' ELSE state END AS outcome,
  CASE WHEN decided_by_id IS NOT NULL THEN 'member:' || CAST(decided_by_id AS TEXT) WHEN answer = 'policy' THEN 'policy'
    ELSE 'clock' END AS actor
FROM request WHERE decided_at IS NOT NULL ORDER BY decided_at, id
"""
NEW = """
INSERT INTO decision (request_id, code, amount, granted, until, decider_id, at, policy, reason, answer, outcome, actor, cause, salt, digest)
VALUES (:request_id, :code, :amount, :granted, :until, :decider_id, :at, :policy, :reason, :answer, :outcome, :actor, 'migration', :salt, :digest)
"""


def _keep_old_decisions() -> None:
    """The decisions of earlier versions, as far as their requests tell: terms that were amended are lost."""
    connection = op.get_bind()
    rows = [dict(row) for row in connection.execute(sa.text(OLD)).mappings()]
    for row in rows:
        row["salt"] = secrets.token_hex(16)
        words = json.dumps([row["salt"], row["reason"], row["answer"]], ensure_ascii=False)
        row["digest"] = hashlib.sha256(words.encode()).hexdigest()
    if rows:
        connection.execute(sa.text(NEW), rows)


def _refuse_changes() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    if not sqlite:
        op.execute(REFUSE)
    for table in (*KEPT, *ERASABLE):
        when = _more_than_erased(table, "IS" if sqlite else "IS NOT DISTINCT FROM")
        for verb, if_ in (("UPDATE", when), ("DELETE", "")):
            act = (
                f"{if_} BEGIN SELECT RAISE(ABORT, '{table} is only added to'); END"
                if sqlite
                else f"FOR EACH ROW {if_} EXECUTE FUNCTION refuse_change()"
            )
            op.execute(f"CREATE TRIGGER {table}_refuses_{verb.lower()} BEFORE {verb} ON {table} {act}")


def _more_than_erased(table: str, same: str) -> str:
    """The condition under which an UPDATE is refused; always, unless the table has words that may be erased."""
    if table not in ERASABLE:
        return ""
    kept, words = ERASABLE[table]
    terms = [f"NEW.{name} {same} OLD.{name}" for name in kept] + [f"NEW.{name} = ''" for name in words]
    return f"WHEN (NOT ({' AND '.join(terms)}))"


def downgrade() -> None:
    raise RuntimeError("the ledger is not thrown away by a command")
