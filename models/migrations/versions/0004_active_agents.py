"""Which agents had a call on which day."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "active_agent",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_active_agent_member_id")),
        sa.PrimaryKeyConstraint("day", "member_id", "agent", name=op.f("pk_active_agent")),
    )
    op.execute(  # till now a person was all that was known
        "INSERT INTO active_agent (day, member_id, agent) SELECT DISTINCT day, member_id, '' FROM usage "
        "WHERE amount > 0 OR input_tokens > 0 OR output_tokens > 0"
    )


def downgrade() -> None:
    op.drop_table("active_agent")
