"""Several gateways: an account and a state belong to one by its name; the one there was has none."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text, number = sa.String(), sa.BigInteger()
    op.add_column("gatewayaccount", sa.Column("gateway", text, nullable=False, server_default=""))
    op.add_column("gatewayaccount", sa.Column("used", number, nullable=False, server_default="0"))
    op.add_column("gatewayaccount", sa.Column("used_in", number, nullable=True))
    op.add_column("gatewaystate", sa.Column("name", text, nullable=False, server_default=""))
    op.add_column(
        "gatewaystate", sa.Column("enforced", sa.Boolean(), nullable=False, server_default=sa.true())
    )
    op.create_index("uq_gatewaystate_name", "gatewaystate", ["name"], unique=True)


def downgrade() -> None:
    raise RuntimeError("the ledger is not thrown away by a command")
