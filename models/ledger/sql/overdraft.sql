-- An overdraft is filled from own quota at once: from the allocation, then from top-ups by earliest end, never from a
-- loan. A leaver's is the organisation's.

-- name: order
CASE a.kind WHEN 'allocation' THEN 0 ELSE 1 END, a.ends_at, a.id

-- name: own
-- One member's own quota in that order, and the account that holds the debt.
SELECT a.id, a.balance, o.id AS overdraft_id, -o.balance AS debt
FROM account o JOIN account a ON a.member_id = o.member_id AND a.kind IN ('allocation', 'top_up') AND a.balance > 0
WHERE o.member_id = :member AND o.kind = 'overdraft' AND o.balance < 0 ORDER BY {order}

-- name: fills
-- Own quota laid end to end in that order (since … upto): what of it lies within the debt moves.
SELECT 'fill' AS kind, LEAST(h.upto, h.debt) - h.since AS amount, h.id AS source_id, h.overdraft_id AS target_id,
  CAST(NULL AS BIGINT) AS loan_id
FROM (
  SELECT a.id, a.member_id, o.id AS overdraft_id, -o.balance AS debt,
    SUM(a.balance) OVER w - a.balance AS since, SUM(a.balance) OVER w AS upto
  FROM account o CROSS JOIN account a -- SQLite then begins with the overdrafts, which are few
  WHERE o.kind = 'overdraft' AND o.balance < 0 AND {people}
    AND a.member_id = o.member_id AND a.kind IN ('allocation', 'top_up') AND a.balance > 0
  WINDOW w AS (PARTITION BY a.member_id ORDER BY {order})
) h
WHERE h.since < h.debt ORDER BY h.member_id, h.since

-- name: debt
-- What somebody who has left still owes.
SELECT o.id, -o.balance FROM account o JOIN member m ON m.id = o.member_id AND m.left_at IS NOT NULL
WHERE o.member_id = :member AND o.kind = 'overdraft' AND o.balance < 0

-- name: clearances
SELECT 'fill' AS kind, -o.balance AS amount, CAST(:issued AS BIGINT) AS source_id, o.id AS target_id,
  CAST(NULL AS BIGINT) AS loan_id
FROM account o JOIN member m ON m.id = o.member_id AND m.left_at IS NOT NULL
WHERE o.kind = 'overdraft' AND o.balance < 0 AND {people} ORDER BY o.id
