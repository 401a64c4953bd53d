-- Rules that always hold. Each query lists the rows that break its rule, as (id, found).

-- name: all_accounts_together_are_zero
SELECT 0 AS id, SUM(balance) AS found FROM account HAVING SUM(balance) <> 0

-- name: a_transfer_has_two_entries_that_cancel_out
SELECT t.id, SUM(e.amount) AS found
FROM transfer t LEFT JOIN entry e ON e.transfer_id = t.id
GROUP BY t.id HAVING COUNT(e.id) <> 2 OR SUM(e.amount) <> 0

-- name: an_entry_is_an_end_of_its_transfer
-- On Postgres no key holds an entry to its transfer and its account (docs/decisions/0011).
SELECT e.id, e.amount AS found
FROM entry e LEFT JOIN transfer t ON t.id = e.transfer_id
WHERE t.id IS NULL OR NOT (
  (e.account_id = t.source_id AND e.amount = -t.amount) OR (e.account_id = t.target_id AND e.amount = t.amount)
)

-- name: a_transfer_names_what_exists
-- On Postgres no key holds a transfer either.
SELECT t.id, t.amount AS found
FROM transfer t
LEFT JOIN account s ON s.id = t.source_id
LEFT JOIN account d ON d.id = t.target_id
LEFT JOIN loan l ON l.id = t.loan_id
LEFT JOIN period p ON p.id = t.period_id
WHERE s.id IS NULL OR d.id IS NULL
  OR (t.loan_id IS NOT NULL AND l.id IS NULL) OR (t.period_id IS NOT NULL AND p.id IS NULL)

-- name: usage_is_of_a_member
SELECT u.member_id AS id, COUNT(*) AS found
FROM (SELECT member_id FROM usage UNION ALL SELECT member_id FROM active_agent) u
WHERE NOT EXISTS (SELECT 1 FROM member m WHERE m.id = u.member_id)
GROUP BY u.member_id

-- name: a_balance_is_the_sum_of_its_entries
SELECT a.id, a.balance AS found
FROM account a
LEFT JOIN (SELECT account_id, SUM(amount) AS total FROM entry GROUP BY account_id) e ON e.account_id = a.id
WHERE a.balance <> COALESCE(e.total, 0)

-- name: a_balance_equals_that_of_its_last_entry
SELECT a.id, a.balance AS found
FROM account a
JOIN (SELECT account_id, MAX(id) AS last FROM entry GROUP BY account_id) m ON m.account_id = a.id
JOIN entry e ON e.id = m.last
WHERE e.balance_after <> a.balance

-- name: only_issued_and_overdraft_are_below_zero
SELECT id, balance AS found FROM account
WHERE (balance < 0 AND kind NOT IN ('issued', 'overdraft')) OR (balance > 0 AND kind = 'overdraft')

-- name: nobody_has_an_overdraft_beside_own_quota
-- While a period closes, one step may leave an overdraft that a later step fills.
SELECT o.id, o.balance AS found
FROM account o
WHERE o.kind = 'overdraft' AND o.balance < 0
  AND EXISTS (
    SELECT 1 FROM account a
    WHERE a.member_id = o.member_id AND a.kind IN ('allocation', 'top_up') AND a.balance > 0
  )
  AND NOT EXISTS (SELECT 1 FROM period WHERE state = 'turning')

-- name: the_equations_of_every_loan_hold
-- Of the principal, a part was returned, a part is unspent and a part was used. The used part is owed until it is
-- repaid or forgiven; a closed loan holds and owes nothing.
SELECT id, principal AS found
FROM (
  SELECT l.id, l.closed_at, l.forgiven, l.lender_id, l.borrower_id, a.balance AS unspent,
    COALESCE(SUM(CASE WHEN t.kind = 'lend' THEN t.amount END), 0) AS principal,
    COALESCE(SUM(CASE WHEN t.kind = 'return' THEN t.amount END), 0) AS returned,
    COALESCE(SUM(CASE WHEN t.kind = 'use' THEN t.amount END), 0) AS used,
    COALESCE(SUM(CASE WHEN t.kind = 'repay' THEN t.amount END), 0) AS repaid
  FROM loan l JOIN account a ON a.id = l.account_id LEFT JOIN transfer t ON t.loan_id = l.id
  GROUP BY l.id, l.closed_at, l.forgiven, l.lender_id, l.borrower_id, a.balance
) l
WHERE principal <> returned + unspent + used
  OR unspent < 0
  OR used - repaid - forgiven < 0
  OR lender_id = borrower_id
  OR (closed_at IS NOT NULL AND (unspent > 0 OR used - repaid - forgiven <> 0))

-- name: forgiven_debt_has_its_rows
SELECT l.id, l.forgiven AS found
FROM loan l LEFT JOIN (SELECT loan_id, SUM(amount) AS total FROM forgiveness GROUP BY loan_id) f ON f.loan_id = l.id
WHERE l.forgiven <> COALESCE(f.total, 0)

-- name: nothing_borrowed_or_granted_leaves_by_a_loan
SELECT t.id, t.amount AS found
FROM transfer t JOIN account s ON s.id = t.source_id
WHERE t.kind = 'lend' AND s.kind <> 'allocation'

-- name: a_grant_equals_its_decision
SELECT r.id, r.granted AS found
FROM request r
WHERE r.state IN ('approved', 'applied', 'apply_failed') AND r.granted <> (
  SELECT COALESCE(SUM(t.amount), 0)
  FROM transfer t JOIN account a ON a.id = t.target_id
  WHERE a.request_id = r.id AND t.kind = 'grant'
)

-- name: a_request_without_approval_has_no_grant
SELECT r.id, r.amount AS found
FROM request r JOIN account a ON a.request_id = r.id
WHERE r.state NOT IN ('approved', 'applied', 'apply_failed')

-- name: nobody_decides_for_themselves
SELECT id, amount AS found FROM request WHERE decided_by_id = member_id AND state <> 'cancelled'

-- name: an_approval_names_its_approver
SELECT id, amount AS found FROM request
WHERE state IN ('approved', 'applied', 'apply_failed') AND decided_by_id IS NULL AND answer NOT IN ('policy', 'emergency')

-- name: a_fallback_is_the_sum_of_its_transfers
SELECT m.id, COALESCE(w.total, 0) AS found
FROM member m
LEFT JOIN (SELECT member_id, SUM(fallback) AS total FROM allowance GROUP BY member_id) w ON w.member_id = m.id
LEFT JOIN (
  SELECT a.member_id, SUM(CASE WHEN a.id = t.target_id THEN t.amount ELSE -t.amount END) AS total
  FROM transfer t JOIN account a ON a.id IN (t.source_id, t.target_id)
  WHERE t.kind = 'fallback' AND a.member_id IS NOT NULL GROUP BY a.member_id
) t ON t.member_id = m.id
WHERE COALESCE(w.total, 0) <> COALESCE(t.total, 0)

-- name: a_pool_gave_no_more_than_it_had
SELECT id, balance AS found FROM account WHERE kind = 'pool' AND balance < 0

-- name: only_one_period_is_open
SELECT 0 AS id, COUNT(*) AS found FROM period WHERE state <> 'closed' HAVING COUNT(*) > 1

-- name: people_who_have_left_have_nothing
SELECT a.id, a.balance AS found
FROM account a JOIN member m ON m.id = a.member_id
WHERE m.left_at IS NOT NULL AND a.kind <> 'used' AND a.balance <> 0
