"""When the ledger was put back from a backup, until the gateway's limits are settled."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("gatewaystate", sa.Column("restored_at", UTCDateTime, nullable=True))


def downgrade() -> None:
    raise RuntimeError("the ledger is not thrown away by a command")
