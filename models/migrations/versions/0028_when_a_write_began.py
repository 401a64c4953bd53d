"""When the last write of a limit or a list began: what an older reading shows may not stand any more."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("gatewayaccount", sa.Column("meant_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    raise RuntimeError("the ledger is not thrown away by a command")
