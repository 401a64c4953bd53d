"""All loans of one person are found without reading everybody's."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_loan_lender_id", "loan", ["lender_id"])
    op.create_index("ix_loan_borrower_id", "loan", ["borrower_id"])


def downgrade() -> None:
    raise RuntimeError("the ledger is not thrown away by a command")
