-- name: chain
-- A member, everybody who is named in the chain, and their delegates, with addresses and to whom they delegate.
WITH r AS (SELECT id, manager_id FROM member WHERE id = :member),
named AS (
  SELECT manager_id AS id FROM r
  UNION SELECT a.manager_id FROM member a JOIN r ON a.id = r.manager_id
  UNION SELECT o.id FROM member o
  WHERE o.email IN (SELECT value FROM json_array_elements_text(CAST(:emails AS JSON)) e (value)) -- postgres
  WHERE o.email IN (SELECT value FROM json_each(:emails)) -- sqlite
),
given AS (
  SELECT g.id, g.from_id, g.to_id FROM delegation g JOIN named n ON n.id = g.from_id
  WHERE g.from_at <= :now AND g.until_at > :now
)
SELECT {who},
  (SELECT json_agg(json_build_array({address})) FROM address d WHERE d.member_id = m.id),
  (SELECT json_agg(json_build_array(g.id, g.to_id)) FROM given g WHERE g.from_id = m.id),
  -- Whether the member decided a request of theirs in this period: 1 as a delegate, 0 otherwise.
  (SELECT MAX(CASE WHEN q.decided_for_id IS NULL THEN 0 ELSE 1 END) FROM request q
    JOIN period p ON p.state <> 'closed' AND q.decided_at >= p.starts_at
    WHERE q.decided_by_id = :member AND q.member_id = m.id AND m.id <> :member)
FROM member m WHERE m.id IN (SELECT id FROM named UNION SELECT to_id FROM given UNION SELECT id FROM r)
