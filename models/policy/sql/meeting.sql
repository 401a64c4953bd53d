-- name: meeting
SELECT {who}, v.version, v.text
FROM member m JOIN address a ON a.member_id = m.id
{in_force}
WHERE {behind}

-- name: me
(SELECT member_id FROM address WHERE address = :one)

-- name: request
-- Always a row: a stranger's request has receipts, too.
SELECT {who}, v.version, v.text, {me},
  (SELECT json_agg(json_build_array(r.key, r.fingerprint, CAST(r.answer AS TEXT))) FROM receipt r
   WHERE r.key IN (:key, :other_key)),
  (SELECT MAX(s.at) FROM receipt s WHERE s.member_id = {me} AND s.fingerprint = :fingerprint AND s.moved AND s.at > :since),
  (SELECT json_agg(json_build_array(t.what, t.other_id, t.at)) FROM tally t WHERE t.member_id = {me} AND t.at > :since)
FROM (SELECT 1 AS one) x
LEFT JOIN member m ON {behind}
LEFT JOIN address a ON a.member_id = m.id
{in_force}
