-- The steps of closing one period and opening the next, each over a range of people :lo < id <= :hi.

-- name: before
-- The period that closes; none when the first one opens.
SELECT id FROM period WHERE ends_at <= :start ORDER BY ends_at DESC LIMIT 1

-- name: returns
-- What was lent and not spent goes back to the lender.
SELECT 'return' AS kind, a.balance AS amount, a.id AS source_id, t.id AS target_id, l.id AS loan_id
FROM account a JOIN loan l ON l.account_id = a.id
JOIN account t ON t.member_id = l.lender_id AND t.kind = 'allocation'
WHERE a.kind = 'loan' AND a.balance > 0 AND a.member_id > :lo AND a.member_id <= :hi ORDER BY l.id

-- name: expiries
-- Of an allocation :numerator / :denominator carries over, :cap at most; the rest expires, and so do ended top-ups.
-- Divided before it is multiplied, because the product may not fit into 64 bits.
SELECT 'expire' AS kind, a.id AS source_id, CAST(:expired AS BIGINT) AS target_id, CAST(NULL AS BIGINT) AS loan_id,
  CASE a.kind WHEN 'allocation' THEN a.balance - LEAST(
    a.balance / :denominator * :numerator + a.balance % :denominator * :numerator / :denominator, CAST(:cap AS BIGINT)
  ) ELSE a.balance END AS amount
FROM account a
WHERE a.balance > 0 AND a.member_id > :lo AND a.member_id <= :hi
  AND (a.kind = 'allocation' OR (a.kind = 'top_up' AND a.ends_at <= :boundary)) ORDER BY a.id

-- name: open_allocations
INSERT INTO account (kind, balance, member_id, opened_at)
SELECT 'allocation', 0, m.id, :at FROM member m
WHERE m.id > :lo AND m.id <= :hi AND m.left_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM account a WHERE a.member_id = m.id AND a.kind = 'allocation') ORDER BY m.id

-- name: allocations
-- Everybody gets the base that was noted for the new period.
SELECT 'allocate' AS kind, w.base AS amount, CAST(:issued AS BIGINT) AS source_id, a.id AS target_id,
  CAST(NULL AS BIGINT) AS loan_id
FROM allowance w JOIN account a ON a.member_id = w.member_id AND a.kind = 'allocation'
WHERE w.period_id = :period AND w.member_id > :lo AND w.member_id <= :hi ORDER BY a.id

-- name: note_filled
-- How much of the new base fills an old overdraft: that much less is repaid.
UPDATE allowance SET filled = LEAST(base, -o.balance) FROM account o
WHERE o.member_id = allowance.member_id AND o.kind = 'overdraft' AND o.balance < 0
  AND allowance.period_id = :period AND allowance.member_id > :lo AND allowance.member_id <= :hi

-- name: repayments
-- Each borrower repays at most min(share of base, base - filled), the oldest debt first.
SELECT 'repay' AS kind, LEAST(d.most - d.earlier, d.owed) AS amount, s.id AS source_id, g.id AS target_id, d.id AS loan_id
FROM (
  -- What is owed before this loan (earlier), and the most that this borrower repays.
  SELECT q.id, q.borrower_id, q.lender_id, q.owed,
    LEAST(w.base / :denominator * :numerator + w.base % :denominator * :numerator / :denominator, w.base - w.filled) AS most,
    SUM(q.owed) OVER (PARTITION BY q.borrower_id ORDER BY q.id) - q.owed AS earlier
  FROM (
    SELECT l.id, l.borrower_id, l.lender_id,
      SUM(CASE t.kind WHEN 'use' THEN t.amount WHEN 'repay' THEN -t.amount ELSE 0 END) - l.forgiven AS owed
    FROM loan l JOIN transfer t ON t.loan_id = l.id
    WHERE l.closed_at IS NULL AND l.borrower_id > :lo AND l.borrower_id <= :hi
    GROUP BY l.id, l.borrower_id, l.lender_id, l.forgiven
  ) q
  JOIN allowance w ON w.member_id = q.borrower_id AND w.period_id = :period WHERE q.owed > 0
) d
JOIN account s ON s.member_id = d.borrower_id AND s.kind = 'allocation'
JOIN account g ON g.member_id = d.lender_id AND g.kind = 'allocation'
WHERE d.most > d.earlier ORDER BY d.id

-- name: close_loans
-- A loan of which nothing is owed and nothing is unspent.
UPDATE loan SET closed_at = :at
WHERE closed_at IS NULL AND borrower_id > :lo AND borrower_id <= :hi
  AND forgiven = (
    SELECT COALESCE(SUM(CASE t.kind WHEN 'use' THEN t.amount WHEN 'repay' THEN -t.amount ELSE 0 END), 0)
    FROM transfer t WHERE t.loan_id = loan.id)
  AND (SELECT a.balance FROM account a WHERE a.id = loan.account_id) = 0
