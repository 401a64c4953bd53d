"""Counts of what one person caused; who takes no asks; asks of several teammates in turn."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "tally",
        sa.Column("id", ID, primary_key=True),
        sa.Column("member_id", sa.BigInteger, sa.ForeignKey("member.id"), nullable=False),
        sa.Column("what", sa.String, nullable=False),
        sa.Column("other_id", sa.BigInteger, sa.ForeignKey("member.id"), nullable=True),
        sa.Column("at", UTCDateTime, nullable=False),
    )
    op.create_index("ix_tally_lately", "tally", ["member_id", "what", "at"])
    op.create_table(
        "mute",
        sa.Column("member_id", sa.BigInteger, sa.ForeignKey("member.id"), primary_key=True),
        sa.Column("muted_id", sa.BigInteger, sa.ForeignKey("member.id"), primary_key=True),
        sa.Column("at", UTCDateTime, nullable=False),
    )
    op.create_table(
        "search",
        sa.Column("id", ID, primary_key=True),
        sa.Column("code", sa.String, nullable=False, unique=True),
        sa.Column("borrower_id", sa.BigInteger, sa.ForeignKey("member.id"), nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("asked_at", UTCDateTime, nullable=False),
        sa.Column("expires_at", UTCDateTime, nullable=False),
        sa.Column("ends_at", UTCDateTime, nullable=True),
        sa.Column("next_at", UTCDateTime, nullable=True),
        sa.Column("ended_at", UTCDateTime, nullable=True),
    )
    op.create_index("ix_search_borrower_id", "search", ["borrower_id"])
    op.create_index(
        "ix_search_open",
        "search",
        ["next_at"],
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.add_column("ask", sa.Column("search_id", sa.BigInteger, nullable=True))
    op.create_index("ix_ask_search_id", "ask", ["search_id"])
    op.add_column("member", sa.Column("no_asks", sa.Boolean, nullable=False, server_default=sa.false()))


def downgrade() -> None:
    raise RuntimeError("who takes no asks is not thrown away by a command")
