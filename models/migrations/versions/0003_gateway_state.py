"""Who drives the gateway, at which rate it is booked, and which writes are under way."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "gatewaystate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=True),
        sa.Column("leased_until", UTCDateTime(), nullable=True),
        sa.Column("read_at", UTCDateTime(), nullable=True),
        sa.Column("took", sa.Float(), nullable=False),
        sa.Column("per_usd", sa.String(), nullable=True),
        sa.Column("period_id", sa.Integer(), nullable=True),
        sa.Column("free", sa.JSON(), nullable=True),
        sa.Column("strangers", sa.JSON(), nullable=False),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("released_at", UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gatewaystate")),
    )
    for column in (
        sa.Column("meant", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("held", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("spent_at", UTCDateTime(), nullable=True),
        sa.Column("due", sa.Boolean(), nullable=False, server_default=sa.false()),
    ):
        op.add_column("gatewayaccount", column)
    op.create_index(
        "ix_gatewayaccount_due",
        "gatewayaccount",
        ["due"],
        unique=False,
        sqlite_where=sa.text("due"),
        postgresql_where=sa.text("due"),
    )


def downgrade() -> None:
    raise RuntimeError("the ledger is not thrown away by a command")
