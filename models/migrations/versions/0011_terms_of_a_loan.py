"""A loan knows whether its borrower asked for it, an end of its own, and of which end both were warned."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ASKED = """
UPDATE loan SET asked = true WHERE EXISTS (
  SELECT 1 FROM ask a WHERE a.state = 'lent' AND a.lender_id = loan.lender_id AND a.borrower_id = loan.borrower_id
  AND a.decided_at >= loan.made_at AND (loan.closed_at IS NULL OR a.decided_at <= loan.closed_at))
"""
WARNED = """
UPDATE loan SET warned_for = (SELECT p.ends_at FROM period p WHERE p.id = loan.period_id)
WHERE EXISTS (SELECT 1 FROM effect e WHERE e.key = 'warn:' || CAST(loan.id AS TEXT))
"""
HAS_AN_END = sa.text("ends_at IS NOT NULL AND closed_at IS NULL")


def upgrade() -> None:
    op.add_column("loan", sa.Column("asked", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("loan", sa.Column("ends_at", UTCDateTime(), nullable=True))
    op.add_column("loan", sa.Column("warned_for", UTCDateTime(), nullable=True))
    op.add_column("ask", sa.Column("ends_at", UTCDateTime(), nullable=True))
    op.create_index("ix_loan_ends", "loan", ["ends_at"], sqlite_where=HAS_AN_END, postgresql_where=HAS_AN_END)
    op.execute(ASKED)
    op.execute(WARNED)


def downgrade() -> None:
    raise RuntimeError("the ledger is not thrown away by a command")
