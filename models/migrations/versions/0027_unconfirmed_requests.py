"""Requests whose grant a gateway has not taken yet: every replica asks for them twice a second."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

UNCONFIRMED = sa.text("state IN ('approved', 'apply_failed')")


def upgrade() -> None:
    op.create_index(
        "ix_request_unconfirmed",
        "request",
        ["member_id"],
        sqlite_where=UNCONFIRMED,
        postgresql_where=UNCONFIRMED,
    )


def downgrade() -> None:
    raise RuntimeError("the ledger is not thrown away by a command")
