"""On Postgres no foreign key in what a usage page adds, which took a quarter of its posting (docs/decisions/0011).

What the keys of a transfer and of usage held of their other end holds by itself: nobody deletes it.
"""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

KEYS = {
    "transfer": ("source_id", "target_id", "loan_id", "period_id"),
    "usage": ("member_id",),
    "active_agent": ("member_id",),
}
KEPT = ("account", "loan", "period", "member")
REFUSE = """
CREATE OR REPLACE FUNCTION refuse_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'no % is deleted', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$
"""


def upgrade() -> None:
    # SQLite would have to write whole tables anew, and looks a row up in a microsecond.
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, columns in KEYS.items():
        for column in columns:
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS fk_{table}_{column}")
    op.execute(REFUSE)
    for table in KEPT:
        op.execute(
            f"CREATE TRIGGER {table}_refuses_delete BEFORE DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_delete()"
        )


def downgrade() -> None:
    raise RuntimeError("the ledger is not thrown away by a command")
