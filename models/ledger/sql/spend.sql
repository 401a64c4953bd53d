-- Spend takes the allocation, then top-ups by earliest end, then loans, oldest first; what is still missing is overdraft.

-- name: order
CASE a.kind WHEN 'allocation' THEN 0 WHEN 'top_up' THEN 1 ELSE 2 END, a.ends_at, a.id

-- name: spendable
a.kind IN ('allocation', 'top_up', 'loan') AND a.balance > 0

-- name: held
-- One member's accounts in that order.
SELECT a.id, a.balance, l.id AS loan_id FROM account a LEFT JOIN loan l ON l.account_id = a.id
WHERE a.member_id = :member AND {spendable} ORDER BY {order}

-- name: open_accounts
-- Where spend goes; and an overdraft for members whose accounts hold less than they spent.
INSERT INTO account (kind, balance, member_id, opened_at)
SELECT k.kind, 0, s.member_id, :at
FROM (SELECT member_id, SUM(amount) AS spent FROM ({spends}) x GROUP BY member_id) s
CROSS JOIN (SELECT 'used' AS kind UNION ALL SELECT 'overdraft') k
WHERE NOT EXISTS (SELECT 1 FROM account o WHERE o.member_id = s.member_id AND o.kind = k.kind)
  AND (k.kind = 'used' OR s.spent > (
    SELECT COALESCE(SUM(a.balance), 0) FROM account a WHERE a.member_id = s.member_id AND {spendable}))

-- name: moves
-- Two lines a member: what was spent (s), one spend after the other, and the accounts in order (h), one after the other.
-- Where a spend and an account overlap, that much moves. The overdraft comes last and has no end.
SELECT 'use' AS kind, LEAST(s.upto, h.upto) - GREATEST(s.since, h.since) AS amount,
  h.id AS source_id, u.id AS target_id, h.loan_id, s.at, s.reason
FROM (
  SELECT member_id, at, reason, upto - amount AS since, upto FROM (
    SELECT *, SUM(amount) OVER (PARTITION BY member_id ORDER BY place) AS upto FROM ({spends}) x
  ) y
) s
JOIN (
  SELECT a.id, a.member_id, l.id AS loan_id, SUM(a.held) OVER w - a.held AS since, SUM(a.held) OVER w AS upto
  FROM (SELECT *, CASE kind WHEN 'overdraft' THEN 4611686018427387904 ELSE balance END AS held FROM account) a
  LEFT JOIN loan l ON l.account_id = a.id
  WHERE a.member_id IN (SELECT member_id FROM ({spends}) x) AND ({spendable} OR a.kind = 'overdraft')
  WINDOW w AS (PARTITION BY a.member_id ORDER BY CASE a.kind WHEN 'overdraft' THEN 1 ELSE 0 END, {order})
) h ON h.member_id = s.member_id AND h.since < s.upto AND s.since < h.upto
JOIN account u ON u.member_id = s.member_id AND u.kind = 'used'
ORDER BY s.member_id, s.since, h.since
