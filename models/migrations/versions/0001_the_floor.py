"""The floor: people, ledger, loans, requests, outbox."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


_LEDGER_POST = """
CREATE OR REPLACE FUNCTION ledger_post(
  p_kind text, p_amount bigint, p_source bigint, p_target bigint, p_loan bigint, p_at timestamptz,
  p_actor text, p_cause text, p_reason text, p_policy bigint,
  OUT transfer_id bigint, OUT source_balance bigint, OUT target_balance bigint
) LANGUAGE plpgsql AS $$
DECLARE r record; source_kind text; source_member bigint; target_member bigint;
BEGIN
  FOR r IN SELECT id, kind, balance, member_id FROM account WHERE id IN (p_source, p_target)
           ORDER BY id FOR NO KEY UPDATE LOOP
    IF r.id = p_source THEN source_kind := r.kind; source_balance := r.balance; source_member := r.member_id;
    ELSE target_balance := r.balance; target_member := r.member_id; END IF;
  END LOOP;
  IF source_balance < p_amount AND source_kind NOT IN ('issued', 'overdraft') THEN RETURN; END IF;
  source_balance := source_balance - p_amount;
  target_balance := target_balance + p_amount;
  UPDATE account SET balance = source_balance WHERE id = p_source;
  UPDATE account SET balance = target_balance WHERE id = p_target;
  INSERT INTO transfer (kind, amount, source_id, target_id, loan_id, at, actor, cause, reason, policy)
    VALUES (p_kind, p_amount, p_source, p_target, p_loan, p_at, p_actor, p_cause, p_reason, p_policy)
    RETURNING id INTO transfer_id;
  INSERT INTO entry (transfer_id, account_id, member_id, amount, balance_after, at) VALUES
    (transfer_id, p_source, source_member, -p_amount, source_balance, p_at),
    (transfer_id, p_target, target_member, p_amount, target_balance, p_at);
END $$
"""


def upgrade() -> None:
    op.create_table(
        "effect",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=True),
        sa.Column("ref", sa.String(), nullable=True),
        sa.Column("due_at", UTCDateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("leased_until", UTCDateTime(), nullable=True),
        sa.Column("done_at", UTCDateTime(), nullable=True),
        sa.Column("parked_at", UTCDateTime(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_effect")),
        sa.UniqueConstraint("key", name=op.f("uq_effect_key")),
    )
    op.create_index(
        "ix_effect_about",
        "effect",
        ["about"],
        unique=False,
        sqlite_where=sa.text("about IS NOT NULL"),
        postgresql_where=sa.text("about IS NOT NULL"),
    )
    op.create_index(
        "ix_effect_due",
        "effect",
        ["due_at", "id"],
        unique=False,
        sqlite_where=sa.text("done_at IS NULL AND parked_at IS NULL"),
        postgresql_where=sa.text("done_at IS NULL AND parked_at IS NULL"),
    )

    op.create_table(
        "member",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("gateway_id", sa.String(), nullable=False),
        sa.Column("manager_id", sa.BigInteger(), nullable=True),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("employment", sa.String(), nullable=False),
        sa.Column("locale", sa.String(), nullable=True),
        sa.Column("timezone", sa.String(), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=False),
        sa.Column("joined_at", UTCDateTime(), nullable=False),
        sa.Column("left_at", UTCDateTime(), nullable=True),
        sa.Column("paused_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["manager_id"], ["member.id"], name=op.f("fk_member_manager_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member")),
        sa.UniqueConstraint("email", name=op.f("uq_member_email")),
    )
    op.create_index(op.f("ix_member_gateway_id"), "member", ["gateway_id"], unique=False)
    op.create_index(op.f("ix_member_manager_id"), "member", ["manager_id"], unique=False)

    op.create_table(
        "period",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("starts_at", UTCDateTime(), nullable=False),
        sa.Column("ends_at", UTCDateTime(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("cursor", sa.BigInteger(), nullable=False),
        sa.Column("policy", sa.Integer(), nullable=True),
        sa.CheckConstraint("state IN ('open', 'turning', 'closed')", name=op.f("ck_period_state")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_period_lasts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_period")),
        sa.UniqueConstraint("starts_at", name=op.f("uq_period_starts_at")),
    )
    op.create_table(
        "policyversion",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("applied_at", UTCDateTime(), nullable=False),
        sa.Column("applied_by", sa.String(), nullable=False),
        sa.Column("effective", sa.Date(), nullable=True),
        sa.Column("in_force_at", UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_policyversion")),
    )
    op.create_table(
        "address",
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("messenger", sa.String(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(), nullable=True),
        sa.Column("status_at", UTCDateTime(), nullable=True),
        sa.Column("seen_at", UTCDateTime(), nullable=True),
        sa.Column("home_seen_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_address_member_id")),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_address")),
        sa.UniqueConstraint("member_id", "messenger", name=op.f("uq_address_member_id_messenger")),
    )
    op.create_index(op.f("ix_address_member_id"), "address", ["member_id"], unique=False)

    op.create_table(
        "allowance",
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("period_id", sa.BigInteger(), nullable=False),
        sa.Column("base", sa.BigInteger(), nullable=False),
        sa.Column("posted", sa.BigInteger(), nullable=False),
        sa.Column("filled", sa.BigInteger(), nullable=False),
        sa.Column("used_before", sa.BigInteger(), nullable=False),
        sa.Column("since", UTCDateTime(), nullable=False),
        sa.Column("rule", sa.Integer(), nullable=False),
        sa.CheckConstraint("base >= 0", name=op.f("ck_allowance_base")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_allowance_member_id")),
        sa.ForeignKeyConstraint(["period_id"], ["period.id"], name=op.f("fk_allowance_period_id")),
        sa.PrimaryKeyConstraint("member_id", "period_id", name=op.f("pk_allowance")),
    )
    op.create_index(op.f("ix_allowance_period_id"), "allowance", ["period_id"], unique=False)

    op.create_table(
        "ask",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("borrower_id", sa.BigInteger(), nullable=False),
        sa.Column("lender_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("asked_at", UTCDateTime(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.Column("decided_at", UTCDateTime(), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'lent', 'declined', 'cancelled', 'expired')", name=op.f("ck_ask_state")
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_ask_asks_for_something")),
        sa.ForeignKeyConstraint(["borrower_id"], ["member.id"], name=op.f("fk_ask_borrower_id")),
        sa.ForeignKeyConstraint(["lender_id"], ["member.id"], name=op.f("fk_ask_lender_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ask")),
        sa.UniqueConstraint("code", name=op.f("uq_ask_code")),
    )
    op.create_index(op.f("ix_ask_borrower_id"), "ask", ["borrower_id"], unique=False)
    op.create_index(op.f("ix_ask_lender_id"), "ask", ["lender_id"], unique=False)

    op.create_table(
        "delegation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("from_id", sa.BigInteger(), nullable=False),
        sa.Column("to_id", sa.BigInteger(), nullable=False),
        sa.Column("from_at", UTCDateTime(), nullable=False),
        sa.Column("until_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["from_id"], ["member.id"], name=op.f("fk_delegation_from_id")),
        sa.ForeignKeyConstraint(["to_id"], ["member.id"], name=op.f("fk_delegation_to_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delegation")),
    )
    op.create_index(op.f("ix_delegation_from_id"), "delegation", ["from_id"], unique=False)
    op.create_index(op.f("ix_delegation_to_id"), "delegation", ["to_id"], unique=False)

    op.create_table(
        "echo",
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_echo_member_id")),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_echo")),
    )
    op.create_table(
        "receipt",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=True),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("moved", sa.Boolean(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_receipt_member_id")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_receipt")),
    )
    op.create_index(op.f("ix_receipt_at"), "receipt", ["at"], unique=False)
    op.create_index("ix_receipt_same", "receipt", ["member_id", "fingerprint", "at"], unique=False)

    op.create_table(
        "request",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("granted", sa.BigInteger(), nullable=False),
        sa.Column("less", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("thread", sa.String(), nullable=True),
        sa.Column("asked_at", UTCDateTime(), nullable=False),
        sa.Column("decided_by_id", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", UTCDateTime(), nullable=True),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("policy", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "decided_by_id IS NULL OR decided_by_id <> member_id OR state IN ('cancelled')",
            name=op.f("ck_request_not_by_oneself"),
        ),
        sa.CheckConstraint(
            "state IN ('pending', 'unroutable', 'approved', 'applied', 'apply_failed', 'declined', 'cancelled', 'expired', 'void')",
            name=op.f("ck_request_state"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_request_asks_for_something")),
        sa.CheckConstraint("granted >= 0", name=op.f("ck_request_granted")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["member.id"], name=op.f("fk_request_decided_by_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_request_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request")),
        sa.UniqueConstraint("code", name=op.f("uq_request_code")),
    )
    op.create_index(op.f("ix_request_member_id"), "request", ["member_id"], unique=False)
    op.create_index(
        "uq_request_open",
        "request",
        ["member_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('pending', 'unroutable')"),
        postgresql_where=sa.text("state IN ('pending', 'unroutable')"),
    )

    op.create_table(
        "usage",
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_usage_member_id")),
        sa.PrimaryKeyConstraint("member_id", "day", "model", name=op.f("pk_usage")),
    )
    op.create_table(
        "account",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("team", sa.String(), nullable=True),
        sa.Column("period_id", sa.BigInteger(), nullable=True),
        sa.Column("request_id", sa.BigInteger(), nullable=True),
        sa.Column("paid_by_id", sa.BigInteger(), nullable=True),
        sa.Column("ends_at", UTCDateTime(), nullable=True),
        sa.Column("opened_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint(
            "(kind IN ('issued', 'expired')) = (member_id IS NULL AND team IS NULL) AND (kind = 'pool') = (team IS NOT NULL)",
            name=op.f("ck_account_has_its_owner"),
        ),
        sa.CheckConstraint("balance <= 0 OR kind <> 'overdraft'", name=op.f("ck_account_overdraft_is_debt")),
        sa.CheckConstraint("balance >= 0 OR kind IN ('issued', 'overdraft')", name=op.f("ck_account_floor")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_account_member_id")),
        sa.ForeignKeyConstraint(["paid_by_id"], ["account.id"], name=op.f("fk_account_paid_by_id")),
        sa.ForeignKeyConstraint(["period_id"], ["period.id"], name=op.f("fk_account_period_id")),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_account_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("request_id", name=op.f("uq_account_request_id")),
    )
    op.create_index("ix_account_member", "account", ["member_id"], unique=False)
    op.create_index(
        "uq_account_one_each",
        "account",
        ["member_id", "kind"],
        unique=True,
        sqlite_where=sa.text("kind IN ('allocation', 'overdraft', 'used')"),
        postgresql_where=sa.text("kind IN ('allocation', 'overdraft', 'used')"),
    )
    op.create_index(
        "uq_account_organisation",
        "account",
        ["kind"],
        unique=True,
        sqlite_where=sa.text("kind IN ('issued', 'expired')"),
        postgresql_where=sa.text("kind IN ('issued', 'expired')"),
    )
    op.create_index("uq_account_pool", "account", ["team", "period_id"], unique=True)

    op.create_table(
        "asked",
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("for_id", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("ceiling", sa.BigInteger(), nullable=True),
        sa.Column("asked_at", UTCDateTime(), nullable=False),
        sa.Column("reminded_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["for_id"], ["member.id"], name=op.f("fk_asked_for_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_asked_member_id")),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_asked_request_id")),
        sa.PrimaryKeyConstraint("request_id", "member_id", name=op.f("pk_asked")),
    )
    op.create_index(op.f("ix_asked_member_id"), "asked", ["member_id"], unique=False)

    op.create_table(
        "code",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_code_request_id")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_code")),
    )
    op.create_index(op.f("ix_code_request_id"), "code", ["request_id"], unique=False)

    op.create_table(
        "loan",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lender_id", sa.BigInteger(), nullable=False),
        sa.Column("borrower_id", sa.BigInteger(), nullable=False),
        sa.Column("period_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("forgiven", sa.BigInteger(), nullable=False),
        sa.Column("made_at", UTCDateTime(), nullable=False),
        sa.Column("closed_at", UTCDateTime(), nullable=True),
        sa.CheckConstraint("forgiven >= 0", name=op.f("ck_loan_forgiven")),
        sa.CheckConstraint("lender_id <> borrower_id", name=op.f("ck_loan_between_two")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_loan_account_id")),
        sa.ForeignKeyConstraint(["borrower_id"], ["member.id"], name=op.f("fk_loan_borrower_id")),
        sa.ForeignKeyConstraint(["lender_id"], ["member.id"], name=op.f("fk_loan_lender_id")),
        sa.ForeignKeyConstraint(["period_id"], ["period.id"], name=op.f("fk_loan_period_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loan")),
        sa.UniqueConstraint("account_id", name=op.f("uq_loan_account_id")),
    )
    op.create_index(
        "ix_loan_open_borrower",
        "loan",
        ["borrower_id"],
        unique=False,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(
        "uq_loan_open",
        "loan",
        ["lender_id", "borrower_id", "period_id"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )

    op.create_table(
        "forgiveness",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_forgiveness_forgives_something")),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("fk_forgiveness_loan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forgiveness")),
    )
    op.create_index(op.f("ix_forgiveness_loan_id"), "forgiveness", ["loan_id"], unique=False)

    op.create_table(
        "transfer",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("loan_id", sa.BigInteger(), nullable=True),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("policy", sa.Integer(), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_transfer_moves_something")),
        sa.CheckConstraint("source_id <> target_id", name=op.f("ck_transfer_moves_somewhere")),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("fk_transfer_loan_id")),
        sa.ForeignKeyConstraint(["source_id"], ["account.id"], name=op.f("fk_transfer_source_id")),
        sa.ForeignKeyConstraint(["target_id"], ["account.id"], name=op.f("fk_transfer_target_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfer")),
    )
    op.create_index(
        "ix_transfer_loan",
        "transfer",
        ["loan_id"],
        unique=False,
        sqlite_where=sa.text("loan_id IS NOT NULL"),
        postgresql_where=sa.text("loan_id IS NOT NULL"),
    )

    op.create_table(
        "entry",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("transfer_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("balance_after", sa.BigInteger(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_entry_account_id")),
        sa.ForeignKeyConstraint(["transfer_id"], ["transfer.id"], name=op.f("fk_entry_transfer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry")),
    )
    op.create_index("ix_entry_statement", "entry", ["member_id", "at", "id"], unique=False)
    op.create_table(
        "gatewayaccount",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("origin", sa.BigInteger(), nullable=False),
        sa.Column("booked", sa.BigInteger(), nullable=False),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("found", sa.BigInteger(), nullable=True),
        sa.Column("written", sa.BigInteger(), nullable=True),
        sa.Column("before", sa.BigInteger(), nullable=True),
        sa.Column("window", sa.String(), nullable=False),
        sa.Column("suspect", sa.BigInteger(), nullable=True),
        sa.Column("as_of", UTCDateTime(), nullable=False),
        sa.Column("adopted_at", UTCDateTime(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_gatewayaccount_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gatewayaccount")),
    )
    op.create_index(op.f("ix_gatewayaccount_member_id"), "gatewayaccount", ["member_id"], unique=False)
    op.create_index(
        "ix_gatewayaccount_trouble",
        "gatewayaccount",
        ["error"],
        unique=False,
        sqlite_where=sa.text("error IS NOT NULL"),
        postgresql_where=sa.text("error IS NOT NULL"),
    )
    op.create_index(
        "uq_period_current",
        "period",
        [sa.text("(1)")],
        unique=True,
        sqlite_where=sa.text("state <> 'closed'"),
        postgresql_where=sa.text("state <> 'closed'"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_LEDGER_POST)


def downgrade() -> None:
    raise RuntimeError("the ledger is not thrown away by a command")
