-- name: ledger_post
-- One transfer in one round trip: both balances, the transfer and its two entries; all NULL, and nothing written,
-- where the source holds too little. A migration creates it anew whenever this file changes.
CREATE OR REPLACE FUNCTION ledger_post(
  p_kind text, p_amount bigint, p_source bigint, p_target bigint, p_loan bigint, p_at timestamptz,
  p_actor text, p_cause text, p_reason text, p_policy bigint, p_period bigint DEFAULT NULL,
  OUT transfer_id bigint, OUT source_balance bigint, OUT target_balance bigint
) LANGUAGE plpgsql AS $$
DECLARE r record; source_kind text; source_member bigint; target_member bigint;
BEGIN
  -- Both accounts, always in order of id, so that two opposite transfers cannot wait for each other.
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
  INSERT INTO transfer (kind, amount, source_id, target_id, loan_id, at, actor, cause, reason, policy, period_id)
    VALUES (p_kind, p_amount, p_source, p_target, p_loan, p_at, p_actor, p_cause, p_reason, p_policy, p_period)
    RETURNING id INTO transfer_id;
  INSERT INTO entry (transfer_id, account_id, member_id, amount, balance_after, at) VALUES
    (transfer_id, p_source, source_member, -p_amount, source_balance, p_at),
    (transfer_id, p_target, target_member, p_amount, target_balance, p_at);
END $$
