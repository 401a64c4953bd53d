-- Spend takes the allocation, then top-ups by earliest end, then loans, oldest first; what is still missing is overdraft.

-- name: rank
CASE a.kind WHEN 'allocation' THEN 1 WHEN 'top_up' THEN 2 WHEN 'loan' THEN 3 ELSE 0 END

-- name: spendable
a.kind IN ('allocation', 'top_up', 'loan') AND a.balance > 0

-- name: held
-- One member's accounts in that order.
SELECT a.id, a.balance, l.id AS loan_id FROM account a LEFT JOIN loan l ON l.account_id = a.id
WHERE a.member_id = :member AND {spendable} ORDER BY {rank}, a.ends_at, a.id

-- name: moves
-- 1. Two lines a member: what was spent (s), one spend after the other, and the accounts in order (h), one after the other.
-- Where a spend and an account overlap, that much moves. The overdraft comes last and has no end. The accounts of rank 0 only
-- tell the rows after them their ids; one that there is not yet is NULL.
SELECT 'use' AS kind, LEAST(s.since + s.amount, h.upto) - GREATEST(s.since, h.since) AS amount,
  h.source_id, h.target_id, h.loan_id, s.at, s.reason, s.member_id
FROM (
  SELECT member_id, COALESCE(id, overdraft_id) AS source_id, used_id AS target_id, loan_id, upto - held AS since, upto FROM (
    SELECT a.member_id, a.id, a.loan_id, a.held, CAST(SUM(a.held) OVER w AS BIGINT) AS upto,
      MAX(a.used_id) OVER w AS used_id, MAX(a.overdraft_id) OVER w AS overdraft_id
    FROM (
      SELECT a.member_id, a.id, {rank} AS rank, a.ends_at, CASE WHEN {spendable} THEN a.balance ELSE 0 END AS held,
        CASE a.kind WHEN 'used' THEN a.id END AS used_id, CASE a.kind WHEN 'overdraft' THEN a.id END AS overdraft_id,
        CASE a.kind WHEN 'loan' THEN (SELECT id FROM loan WHERE account_id = a.id) END AS loan_id
      FROM account a WHERE a.member_id IN (SELECT member_id FROM ({spends}) x)
      UNION ALL
      SELECT member_id, NULL, 4, NULL, 4611686018427387904, NULL, NULL, NULL FROM ({spends}) x GROUP BY member_id
    ) a
    WINDOW w AS (PARTITION BY a.member_id ORDER BY a.rank, a.ends_at, a.id ROWS UNBOUNDED PRECEDING)
  ) a WHERE held > 0
) h JOIN ({spends}) s ON s.member_id = h.member_id AND h.since < s.since + s.amount AND s.since < h.upto
ORDER BY s.member_id, s.since, h.since

-- name: open_accounts
-- 2. Open what is NULL.
INSERT INTO account (kind, balance, member_id, opened_at)
SELECT DISTINCT 'used', 0, member_id, :at FROM move WHERE target_id IS NULL
UNION ALL SELECT DISTINCT 'overdraft', 0, member_id, :at FROM move WHERE source_id IS NULL

-- name: name_accounts
UPDATE move SET
  target_id = COALESCE(target_id, (SELECT id FROM account WHERE member_id = move.member_id AND kind = 'used')),
  source_id = COALESCE(source_id, (SELECT id FROM account WHERE member_id = move.member_id AND kind = 'overdraft'))
WHERE source_id IS NULL OR target_id IS NULL
