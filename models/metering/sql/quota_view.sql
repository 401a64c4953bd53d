-- Everything that a member reads of their quota, in one row. Lists are JSON arrays of arrays, read by position.

-- name: parts
  (SELECT COALESCE(SUM(e.amount), 0) FROM entry e JOIN account u ON u.id = e.account_id AND u.member_id = m.id AND u.kind = 'used'
    WHERE e.member_id = m.id AND e.at >= GREATEST(p.starts_at, :since) AND e.at <= :now),
  (SELECT json_agg(json_build_array(s.model, s.day, s.amount)) FROM ({spent}) s),
  (SELECT json_agg(json_build_array(
      o.id, o.taken, o.name, o.email, o.ends_at, o.due, o.openings,
      o.principal, o.returned, o.used, o.repaid, o.forgiven
    )) FROM ({loans}) o),
  (SELECT json_agg(json_build_array(f.id, f.kind, f.amount, f.balance_after)) FROM ({first}) f
    WHERE f.period_id = p.id),
  (SELECT json_agg(json_build_array(v.version, v.effective, v.in_force_at, v.text)) FROM ({versions}) v),
  (SELECT json_agg(json_build_array(g.name,
    json(g.free), json(g.lists), -- sqlite
    g.free, g.lists, -- postgres
    g.enforced AND g.released_at IS NULL
  )) FROM gatewaystate g WHERE g.kind <> ''),
  (SELECT json_agg(json_build_array(a.gateway,
    json(a.models) -- sqlite
    a.models -- postgres
  )) FROM gatewayaccount a WHERE a.member_id = m.id AND a.models IS NOT NULL AND NOT a.gone),
  (SELECT json_agg(json_build_array(a.gateway, a.used)) FROM gatewayaccount a
    WHERE a.member_id = m.id AND a.used_in = p.id AND a.used > 0)

-- name: view
SELECT {status}, {parts} {members} WHERE m.id = :member {grouped}

-- name: meeting
-- The same of whoever is at an address, with all their addresses and the policy in force: one statement is a whole request.
SELECT {who}, v.version, v.text,
  (SELECT json_agg(json_build_array({address})) FROM address d WHERE d.member_id = m.id),
  {status}, {parts}
FROM address x JOIN member m ON m.id = x.member_id LEFT JOIN period p ON p.state <> 'closed' {holds} {in_force}
WHERE x.address = :address {grouped}, v.version

-- name: spent
-- Use by model. In the policy's zone the period may begin on the day before or after its date in UTC: these days are apart.
SELECT model, SUM(amount) AS amount,
  CASE WHEN day <= date(p.starts_at, '+1 day') THEN day END AS day -- sqlite
  CASE WHEN day <= CAST(p.starts_at AT TIME ZONE 'UTC' AS DATE) + 1 THEN day END AS day -- postgres
FROM usage WHERE member_id = m.id
  AND day >= date(p.starts_at, '-1 day') -- sqlite
  AND day >= CAST(p.starts_at AT TIME ZONE 'UTC' AS DATE) - 1 -- postgres
GROUP BY 1, 3

-- name: loans
SELECT l.id, l.borrower_id = m.id AS taken, w.name, w.email, l.ends_at, q.ends_at AS due,
  (SELECT COUNT(*) FROM period n WHERE n.starts_at > q.starts_at) AS openings, {sums}, l.forgiven
FROM loan l LEFT JOIN transfer t ON t.loan_id = l.id JOIN period q ON q.id = l.period_id
JOIN member w ON w.id = CASE WHEN l.borrower_id = m.id THEN l.lender_id ELSE l.borrower_id END
WHERE l.id IN ({open_of}) GROUP BY l.id, q.id, w.id

-- name: first
-- The opening is among the first entries of a period, so the rest of a busy month is not read.
SELECT e.id, t.kind, e.amount, e.balance_after, t.period_id FROM entry e JOIN transfer t ON t.id = e.transfer_id
JOIN account c ON c.id = e.account_id AND c.member_id = m.id AND c.kind = 'allocation'
WHERE e.member_id = m.id AND e.at >= p.starts_at ORDER BY e.at, e.id LIMIT 200

-- name: versions
-- The version in force before, the one in force, and the staged one; nothing where none of them is news in this period.
SELECT version, effective, in_force_at, text FROM policyversion
WHERE version >= COALESCE(
    (SELECT MAX(version) FROM policyversion WHERE in_force_at IS NOT NULL AND version < {version}), {version})
  AND EXISTS (SELECT 1 FROM policyversion n WHERE n.version >= {version}
    AND (n.in_force_at IS NULL OR n.in_force_at >= p.starts_at))
