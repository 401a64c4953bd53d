-- name: start
-- Both members' status; with the lender's allocation and the open loan, and whether the borrower has an open request.
SELECT {status}, MAX(a.id) FILTER (WHERE a.kind = 'allocation'), l.id, l.account_id, l.asked, l.ends_at,
  EXISTS (SELECT 1 FROM request r WHERE r.member_id = m.id AND r.state IN ('pending', 'unroutable'))
{members}
LEFT JOIN loan l ON l.lender_id = :one AND l.borrower_id = :other AND l.period_id = p.id AND l.closed_at IS NULL
WHERE m.id IN (:one, :other) {grouped}, l.id

-- name: open
INSERT INTO loan (lender_id, borrower_id, period_id, account_id, forgiven, made_at, asked, ends_at)
VALUES (:lender, :borrower, :period, :account, 0, :at, :asked, :ends_at) RETURNING id

-- name: open_both
-- The account and the loan in one round trip.
WITH opened AS (
  INSERT INTO account (kind, balance, opened_at, member_id) VALUES ('loan', 0, :at, :borrower) RETURNING id
)
INSERT INTO loan (lender_id, borrower_id, period_id, account_id, forgiven, made_at, asked, ends_at)
SELECT CAST(:lender AS BIGINT), :borrower, :period, id, 0, :at, :asked, :ends_at FROM opened RETURNING id, account_id
