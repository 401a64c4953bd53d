"""Transfers of requests that share a commit are posted by one statement."""

from alembic import op

from models.statement import SqlFile

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(SqlFile("models.ledger", "sql/ledger_post.sql").text("ledger_post_all"))


def downgrade() -> None:
    raise RuntimeError("the ledger is not thrown away by a command")
