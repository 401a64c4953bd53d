"""Questions that approvers ask back."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "question",
        sa.Column("id", ID, primary_key=True),
        sa.Column("request_id", sa.BigInteger, sa.ForeignKey("request.id"), nullable=False),
        sa.Column("asker_id", sa.BigInteger, sa.ForeignKey("member.id"), nullable=False),
        sa.Column("text", sa.String, nullable=False),
        sa.Column("asked_at", UTCDateTime, nullable=False),
        sa.Column("answer", sa.String, nullable=False),
        sa.Column("answered_at", UTCDateTime, nullable=True),
    )
    op.create_index("ix_question_request_id", "question", ["request_id"])


def downgrade() -> None:
    raise RuntimeError("what was asked is not thrown away by a command")
