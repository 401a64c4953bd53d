"""How often DingTalk was called, by month and call."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "call_count",
        sa.Column("month", sa.String(), nullable=False),
        sa.Column("api", sa.String(), nullable=False),
        sa.Column("metered", sa.Boolean(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("month", "api", name=op.f("pk_call_count")),
    )


def downgrade() -> None:
    op.drop_table("call_count")
