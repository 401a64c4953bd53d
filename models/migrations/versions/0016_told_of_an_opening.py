"""How far the people are told what an opening did to them. Openings of an earlier version are not told any more."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("period", sa.Column("told", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    raise RuntimeError("the ledger is not thrown away by a command")
