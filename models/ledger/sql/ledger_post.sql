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

-- name: ledger_post_all
-- Transfers of many requests that share a commit, in the order of the list; all or nothing. One that crosses a floor, if
-- only for a moment, breaks a constraint.
CREATE OR REPLACE FUNCTION ledger_post_all(p_moves json) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  -- All accounts, in order of id. The next statement sees what others committed meanwhile.
  PERFORM id FROM account WHERE id IN (
    SELECT source_id FROM json_to_recordset(p_moves) AS m (source_id bigint)
    UNION SELECT target_id FROM json_to_recordset(p_moves) AS m (target_id bigint)
  ) ORDER BY id FOR NO KEY UPDATE;
  WITH move AS MATERIALIZED (
    SELECT nextval(pg_get_serial_sequence('transfer', 'id')) AS id, m.* FROM json_to_recordset(p_moves) AS m (
      kind text, amount bigint, source_id bigint, target_id bigint, loan_id bigint, at timestamptz, actor text,
      cause text, reason text, policy bigint, period_id bigint)
  ), both_ends AS (
    SELECT id AS transfer_id, source_id AS account_id, -amount AS amount, at FROM move
    UNION ALL SELECT id, target_id, amount, at FROM move
  ), after AS MATERIALIZED (
    SELECT e.*, a.kind, a.member_id, a.balance + SUM(e.amount) OVER (PARTITION BY e.account_id ORDER BY e.transfer_id) AS balance
    FROM both_ends e JOIN account a ON a.id = e.account_id
  ), posted AS (
    INSERT INTO transfer (id, kind, amount, source_id, target_id, loan_id, at, actor, cause, reason, policy, period_id)
    SELECT id, kind, amount, source_id, target_id, loan_id, at, actor, cause, reason, policy, period_id FROM move ORDER BY id
  ), balanced AS (
    UPDATE account SET balance = account.balance + d.delta
    FROM (SELECT account_id, SUM(amount) AS delta FROM both_ends GROUP BY account_id) d WHERE account.id = d.account_id
  )
  INSERT INTO entry (transfer_id, account_id, member_id, amount, balance_after, at)
  SELECT transfer_id, account_id, member_id, amount,
    CASE WHEN balance < 0 AND amount < 0 AND kind NOT IN ('issued', 'overdraft') THEN NULL ELSE balance END, at
  FROM after ORDER BY transfer_id, amount;
END $$
