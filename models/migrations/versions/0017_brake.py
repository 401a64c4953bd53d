"""Alarms of a surge, and who paused somebody. An earlier pause is the member's own."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("member", sa.Column("paused_by_id", sa.BigInteger(), nullable=True))
    op.add_column("member", sa.Column("pause_stands", sa.Boolean(), nullable=True))
    op.create_table(
        "alarm",
        sa.Column("id", ID, primary_key=True),
        sa.Column("member_id", sa.BigInteger, sa.ForeignKey("member.id"), nullable=False),
        sa.Column("at", UTCDateTime, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("pause_at", UTCDateTime, nullable=True),
        sa.Column("escalated_at", UTCDateTime, nullable=True),
        sa.Column("answered_at", UTCDateTime, nullable=True),
    )
    op.create_index("ix_alarm_member_id", "alarm", ["member_id"])
    op.create_index(
        "ix_alarm_open",
        "alarm",
        ["at"],
        sqlite_where=sa.text("answered_at IS NULL"),
        postgresql_where=sa.text("answered_at IS NULL"),
    )


def downgrade() -> None:
    raise RuntimeError("who paused whom is not thrown away by a command")
