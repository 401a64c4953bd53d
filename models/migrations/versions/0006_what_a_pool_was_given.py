"""What a pool was given is found by its account, however many transfers there are."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, column, kind in (
        ("ix_transfer_fund", "target_id", "fund"),
        ("ix_transfer_cut", "source_id", "cut"),
    ):
        where = sa.text(f"kind = '{kind}'")
        op.create_index(name, "transfer", [column], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    raise RuntimeError("the ledger is not thrown away by a command")
