"""A transfer of a close names the period it belongs to, which reports read from its key before."""

from alembic import op

from models.statement import SqlFile

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

OPENED = "UPDATE transfer SET period_id = CAST(SUBSTR(cause, 8) AS BIGINT) WHERE cause LIKE 'period:%'"
CLOSED = """
UPDATE transfer SET period_id = (
  SELECT b.id FROM period b JOIN period o ON o.id = transfer.period_id
  WHERE b.ends_at <= o.starts_at ORDER BY b.ends_at DESC LIMIT 1)
WHERE period_id IS NOT NULL AND kind IN ('expire', 'return')
"""
FORMER = "ledger_post(text, bigint, bigint, bigint, bigint, timestamptz, text, text, text, bigint)"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE transfer ADD COLUMN period_id BIGINT CONSTRAINT fk_transfer_period_id REFERENCES period (id)"
    )
    op.execute(OPENED)
    op.execute(CLOSED)  # what expired and what was returned is of the period before
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"DROP FUNCTION {FORMER}")
        op.execute(SqlFile("models.ledger", "sql/ledger_post.sql").text("ledger_post"))


def downgrade() -> None:
    raise RuntimeError("the ledger is not thrown away by a command")
