"""In whose place a delegate decided; and decisions found by the decider."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

FILL = """
UPDATE request SET decided_for_id = (
  SELECT a.for_id FROM asked a
  WHERE a.request_id = request.id AND a.member_id = request.decided_by_id AND a.for_id <> a.member_id)
WHERE decided_by_id IS NOT NULL
"""


def upgrade() -> None:
    """Of a delegate's earlier decision, the approver is whoever they were asked for."""
    op.execute(
        "ALTER TABLE request ADD COLUMN decided_for_id BIGINT "
        "CONSTRAINT fk_request_decided_for_id REFERENCES member (id)"
    )
    op.execute("CREATE INDEX ix_request_decided_by_id ON request (decided_by_id)")
    op.execute(FILL)


def downgrade() -> None:
    raise RuntimeError("decisions are not thrown away by a command")
