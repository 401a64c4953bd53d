-- What an auditor may want to look at. A flow is what one lent another within a period.

-- name: flow
SELECT l.lender_id, l.borrower_id, l.period_id, SUM(t.amount) AS amount
FROM loan l JOIN transfer t ON t.loan_id = l.id AND t.kind = 'lend'
GROUP BY l.lender_id, l.borrower_id, l.period_id

-- name: ring
-- Three who lend to each other in a circle; it begins with the smallest id, so each circle is found once.
WITH flow AS ({flow})
SELECT m.email AS first, n.email AS second, o.email AS third, a.amount AS first_lent, b.amount AS second_lent,
  c.amount AS third_lent, p.starts_at AS since
FROM flow a
JOIN flow b ON b.lender_id = a.borrower_id AND b.period_id = a.period_id
JOIN flow c ON c.lender_id = b.borrower_id AND c.borrower_id = a.lender_id AND c.period_id = a.period_id
JOIN member m ON m.id = a.lender_id JOIN member n ON n.id = b.lender_id JOIN member o ON o.id = c.lender_id
JOIN period p ON p.id = a.period_id
WHERE a.lender_id < b.lender_id AND a.lender_id < c.lender_id AND b.lender_id <> c.lender_id
ORDER BY p.starts_at DESC, m.email

-- name: ping_pong
-- Two who lend to each other within one period.
WITH flow AS ({flow})
SELECT m.email AS first, n.email AS second, a.amount AS first_lent, b.amount AS second_lent, p.starts_at AS since
FROM flow a JOIN flow b ON b.lender_id = a.borrower_id AND b.borrower_id = a.lender_id AND b.period_id = a.period_id
JOIN member m ON m.id = a.lender_id JOIN member n ON n.id = b.lender_id JOIN period p ON p.id = a.period_id
WHERE a.lender_id < b.lender_id
ORDER BY p.starts_at DESC, m.email

-- name: one_way
-- Several loans from one to another, and never one back.
SELECT m.email AS lender, n.email AS borrower, COUNT(CASE WHEN t.kind = 'lend' THEN 1 END) AS loans,
  SUM(CASE WHEN t.kind = 'lend' THEN t.amount ELSE 0 END) AS lent,
  SUM(CASE WHEN t.kind = 'use' THEN t.amount ELSE 0 END) AS used,
  SUM(CASE WHEN t.kind = 'repay' THEN t.amount ELSE 0 END) AS repaid,
  (SELECT COALESCE(SUM(f.forgiven), 0) FROM loan f WHERE f.lender_id = l.lender_id AND f.borrower_id = l.borrower_id) AS forgiven,
  MIN(l.made_at) AS since
FROM loan l JOIN transfer t ON t.loan_id = l.id
JOIN member m ON m.id = l.lender_id JOIN member n ON n.id = l.borrower_id
WHERE NOT EXISTS (SELECT 1 FROM loan b WHERE b.lender_id = l.borrower_id AND b.borrower_id = l.lender_id)
GROUP BY l.lender_id, l.borrower_id, m.email, n.email
HAVING COUNT(CASE WHEN t.kind = 'lend' THEN 1 END) >= :many
ORDER BY lent DESC, m.email

-- name: split
-- Grants of one person by one decider within a period, each within that decider's ceiling and together above it.
SELECT m.email AS asker, n.email AS decider, COUNT(*) AS requests, SUM(d.granted) AS granted, MAX(a.ceiling) AS ceiling,
  MIN(d.at) AS since
FROM decision d JOIN request r ON r.id = d.request_id
JOIN asked a ON a.request_id = r.id AND a.member_id = d.decider_id
JOIN period p ON p.starts_at <= d.at AND d.at < p.ends_at
JOIN member m ON m.id = r.member_id JOIN member n ON n.id = d.decider_id
WHERE d.outcome = 'approved' AND a.ceiling IS NOT NULL
GROUP BY r.member_id, d.decider_id, p.id, m.email, n.email
HAVING COUNT(*) > 1 AND SUM(d.granted) > MAX(a.ceiling)
ORDER BY since DESC, m.email
