-- What policy gives while a period is open. `due` is what each member should have been given in it.

-- name: due
-- One parameter, however many members: [[member_id, base, rule], …] as JSON.
SELECT
  CAST(value ->> 0 AS BIGINT) AS member_id, CAST(value ->> 1 AS BIGINT) AS base, CAST(value ->> 2 AS INTEGER) AS rule -- postgres
FROM jsonb_array_elements(CAST(:dues AS JSONB)) -- postgres
  json_extract(value, '$[0]') AS member_id, json_extract(value, '$[1]') AS base, json_extract(value, '$[2]') AS rule -- sqlite
FROM json_each(:dues) -- sqlite

-- name: open_allocations
-- 1.
INSERT INTO account (kind, balance, member_id, opened_at)
SELECT 'allocation', 0, d.member_id, :at FROM ({due}) d
WHERE NOT EXISTS (SELECT 1 FROM account a WHERE a.member_id = d.member_id AND a.kind = 'allocation')
ORDER BY d.member_id

-- name: differences
-- 2. What is missing comes from the organisation; of what is too much, at most what is left of the allocation goes back.
SELECT CASE WHEN more > 0 THEN 'allocate' ELSE 'cut' END AS kind,
  CASE WHEN more > 0 THEN more ELSE LEAST(-more, balance) END AS amount,
  CASE WHEN more > 0 THEN CAST(:issued AS BIGINT) ELSE id END AS source_id,
  CASE WHEN more > 0 THEN id ELSE CAST(:issued AS BIGINT) END AS target_id, CAST(NULL AS BIGINT) AS loan_id
FROM (
  SELECT a.id, a.balance, d.base - COALESCE(w.posted, 0) AS more FROM ({due}) d
  JOIN account a ON a.member_id = d.member_id AND a.kind = 'allocation'
  LEFT JOIN allowance w ON w.member_id = d.member_id AND w.period_id = :period
) x
ORDER BY id

-- name: note
-- 3. Keep what is given and posted. `since` and `used_before` stay as they were noted first.
INSERT INTO allowance (member_id, period_id, base, posted, filled, used_before, since, rule)
SELECT d.member_id, :period, d.base, d.base, 0, COALESCE(u.balance, 0), :since, d.rule FROM ({due}) d
LEFT JOIN account u ON u.member_id = d.member_id AND u.kind = 'used' WHERE TRUE ORDER BY d.member_id
ON CONFLICT (member_id, period_id) DO UPDATE SET base = excluded.base, posted = excluded.posted, rule = excluded.rule
