"""Accounts at the gateway that appear late, are replaced, vanish, or lose their limit."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    table = "gatewayaccount"
    op.add_column(table, sa.Column("missed", sa.Integer(), nullable=False, server_default="0"))
    op.add_column(table, sa.Column("name", sa.String(), nullable=False, server_default=""))
    # accounts of today were adopted long ago
    op.add_column(table, sa.Column("settled", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column(table, sa.Column("reached_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(table, sa.Column("news", sa.String(), nullable=True))
    where = sa.text("news IS NOT NULL")
    op.create_index("ix_gatewayaccount_news", table, ["news"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    raise RuntimeError("the ledger is not thrown away by a command")
