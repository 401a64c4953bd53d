-- A member's loans with what each came to.

-- name: open_of
-- Each half has its index; for an OR, SQLite reads every loan there ever was.
SELECT id FROM loan WHERE lender_id = {member} AND closed_at IS NULL
UNION ALL SELECT id FROM loan WHERE borrower_id = {member} AND closed_at IS NULL

-- name: all_of
SELECT id FROM loan WHERE lender_id = {member}
UNION ALL SELECT id FROM loan WHERE borrower_id = {member}

-- name: summed
SELECT {columns}, {sums}, l.forgiven
FROM loan l LEFT JOIN transfer t ON t.loan_id = l.id
WHERE l.id IN ({which}) GROUP BY l.id ORDER BY l.id
