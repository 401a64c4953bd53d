-- One member, for `show`.

-- name: member
SELECT id, email, name FROM member WHERE email = :email

-- name: policy
SELECT text FROM policyversion WHERE in_force_at IS NOT NULL ORDER BY version DESC LIMIT 1

-- name: period
SELECT p.starts_at, p.ends_at, w.base, w.used_before, w.fallback
FROM period p LEFT JOIN allowance w ON w.period_id = p.id AND w.member_id = :member WHERE p.state <> 'closed'

-- name: loans
-- Open and closed.
SELECT l.id, l.lender_id, o.email, p.starts_at, {sums}, l.forgiven
FROM loan l LEFT JOIN transfer t ON t.loan_id = l.id JOIN period p ON p.id = l.period_id
JOIN member o ON o.id = CASE WHEN l.borrower_id = :member THEN l.lender_id ELSE l.borrower_id END
WHERE l.id IN (SELECT id FROM loan WHERE lender_id = :member UNION ALL SELECT id FROM loan WHERE borrower_id = :member)
GROUP BY l.id, p.id, o.id ORDER BY l.id

-- name: limit
-- Of the accounts that the gateway still knows.
SELECT COUNT(*), COUNT(total), SUM(total), (SELECT per_usd FROM gatewaystate WHERE id = 1)
FROM gatewayaccount WHERE member_id = :member AND NOT gone

-- name: requests
SELECT r.code, r.amount, r.granted, r.reason, r.state, r.asked_at,
  (SELECT json_agg(a.email) FROM (SELECT m.email FROM asked a JOIN member m ON m.id = a.member_id
    WHERE a.request_id = r.id ORDER BY a.asked_at, a.member_id) a),
  d.email, r.answer, r.decided_at, r.until
FROM request r LEFT JOIN member d ON d.id = r.decided_by_id WHERE r.member_id = :member ORDER BY r.id
