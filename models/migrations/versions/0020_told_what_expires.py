"""How far the people are told what of their quota will expire. The period that is open now is not told any more."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("period", sa.Column("told_unused", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    raise RuntimeError("the ledger is not thrown away by a command")
