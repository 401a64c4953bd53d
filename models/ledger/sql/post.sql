-- A transfer moves one positive amount between two accounts and leaves an entry on each, with the balance after it.
-- Two forms give the same books: one transfer (`move` … `entries` on SQLite, ledger_post on Postgres), and all the
-- transfers of a job (`open` … `clean`).

-- name: move
-- 1. Check and change in one step: no row comes back where the source holds too little.
UPDATE account SET balance = balance + CASE id WHEN :source THEN -:amount ELSE :amount END
WHERE id IN (:source, :target) AND EXISTS (
  SELECT 1 FROM account s WHERE s.id = :source AND (s.balance >= :amount OR s.kind IN ('issued', 'overdraft'))
)
RETURNING id, balance

-- name: transfer
-- 2.
INSERT INTO transfer (kind, amount, source_id, target_id, loan_id, at, actor, cause, reason, policy, period_id)
VALUES (:kind, :amount, :source, :target, :loan, :at, :actor, :cause, :reason, :policy, :period)
RETURNING id

-- name: entries
-- 3. The source's entry comes first.
INSERT INTO entry (transfer_id, account_id, member_id, amount, balance_after, at)
SELECT :transfer, id, member_id, CASE id WHEN :source THEN -:amount ELSE :amount END, balance, :at
FROM account WHERE id IN (:source, :target) ORDER BY id = :target

-- name: post
-- The same three steps in one round trip.
SELECT * FROM ledger_post(:kind, :amount, :source, :target, :loan, :at, :actor, :cause, :reason, :policy, :period)

-- name: open_moves
-- The moves of a job; empty at the start of every transaction.
CREATE TEMPORARY TABLE IF NOT EXISTS move (
  id BIGINT, kind TEXT, amount BIGINT, source_id BIGINT, target_id BIGINT, loan_id BIGINT, at TIMESTAMPTZ, reason TEXT,
  member_id BIGINT
)
ON COMMIT DELETE ROWS -- postgres

-- name: number_moves
-- 1. Number the moves of a query, in its order, as the transfers that they become.
INSERT INTO move (id, kind, amount, source_id, target_id, loan_id, at, reason, member_id)
SELECT
  nextval((SELECT CAST(pg_get_serial_sequence('transfer', 'id') AS regclass))), -- postgres
  (SELECT COALESCE(MAX(id), 0) FROM transfer) + ROW_NUMBER() OVER (), -- sqlite
  m.kind, m.amount, m.source_id, m.target_id, m.loan_id, {own}
FROM ({moves}) m WHERE m.amount > 0

-- name: lock_moved
-- 2. Only Postgres has others who write; in order of id, so that two jobs cannot wait for each other.
SELECT COUNT(*) FROM (
  SELECT id FROM account WHERE id = ANY(ARRAY(SELECT source_id FROM move UNION SELECT target_id FROM move))
  ORDER BY id FOR NO KEY UPDATE
) a

-- name: transfers
-- 3.
INSERT INTO transfer (id, kind, amount, source_id, target_id, loan_id, at, actor, cause, reason, policy, period_id)
SELECT id, kind, amount, source_id, target_id, loan_id, COALESCE(at, :at), :actor, :cause, COALESCE(reason, :reason), :policy, :period
FROM move ORDER BY id

-- name: both_ends
SELECT id AS transfer_id, source_id AS account_id, -amount AS amount, at FROM move
UNION ALL SELECT id, target_id, amount, at FROM move

-- name: balances
-- 4. The schema refuses what would cross a floor, and with it the whole job.
UPDATE account SET balance = balance + d.delta
FROM (SELECT account_id, SUM(amount) AS delta FROM ({both_ends}) e GROUP BY account_id) d
WHERE account.id = d.account_id

-- name: all_entries
-- 5. The balance after each entry is the one after the job without what comes later; the source's entry comes first.
INSERT INTO entry (transfer_id, account_id, member_id, amount, balance_after, at)
SELECT e.transfer_id, e.account_id, a.member_id, e.amount,
  a.balance + e.amount - CAST(SUM(e.amount) OVER w AS BIGINT),
  COALESCE(e.at, :at)
FROM ({both_ends}) e JOIN {moved} a ON a.id = e.account_id
WINDOW w AS (PARTITION BY e.account_id ORDER BY e.transfer_id DESC ROWS UNBOUNDED PRECEDING)
ORDER BY e.transfer_id, e.amount

-- name: balances_and_entries
-- 4 and 5 on Postgres, which reads the accounts once.
WITH moved AS ({balances} RETURNING account.id, account.member_id, account.balance)
{all_entries}

-- name: clean
-- 6. SQLite keeps the rows of a temporary table till the connection ends.
DELETE FROM move
