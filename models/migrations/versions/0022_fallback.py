"""The fallback: what was spent on it, model lists of gateway accounts, and the lists that a gateway offers."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("allowance", sa.Column("fallback", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("gatewayaccount", sa.Column("models", sa.JSON(), nullable=True))
    op.add_column("gatewaystate", sa.Column("lists", sa.JSON(), nullable=True))


def downgrade() -> None:
    raise RuntimeError("the ledger is not thrown away by a command")
