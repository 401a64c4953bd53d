"""On Postgres the two foreign keys of an entry, which took a third of the posting of a usage page (docs/decisions/0011)."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # SQLite would have to write the whole table anew, and looks a row up in a microsecond.
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE entry DROP CONSTRAINT IF EXISTS fk_entry_transfer_id")
        op.execute("ALTER TABLE entry DROP CONSTRAINT IF EXISTS fk_entry_account_id")


def downgrade() -> None:
    raise RuntimeError("the ledger is not thrown away by a command")
