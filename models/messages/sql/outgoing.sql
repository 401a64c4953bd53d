-- Rows from JSON lists. Without an ORDER BY they keep the order of their list, on both databases.

-- name: receipt
INSERT INTO receipt (key, fingerprint, answer, member_id, moved, at)
SELECT key, fingerprint, answer, member_id, moved, at FROM json_to_recordset(CAST(:receipt AS JSON)) -- postgres
AS r (key TEXT, fingerprint TEXT, answer JSON, member_id BIGINT, moved BOOLEAN, at TIMESTAMPTZ) -- postgres
SELECT value ->> 'key', value ->> 'fingerprint', value -> 'answer', value ->> 'member_id', value ->> 'moved', value ->> 'at' -- sqlite
FROM json_each(:receipt) -- sqlite

-- name: tally
INSERT INTO tally (member_id, what, other_id, at)
SELECT member_id, what, other_id, at FROM json_to_recordset(CAST(:tally AS JSON)) -- postgres
AS r (member_id BIGINT, what TEXT, other_id BIGINT, at TIMESTAMPTZ) -- postgres
SELECT value ->> 'member_id', value ->> 'what', value ->> 'other_id', value ->> 'at' FROM json_each(:tally) -- sqlite

-- name: effect
INSERT INTO effect (key, kind, payload, lane, about, due_at, done_at, attempts)
SELECT key, kind, payload, lane, about, due_at, done_at, 0 FROM json_to_recordset(CAST(:effect AS JSON)) -- postgres
AS r (key TEXT, kind TEXT, payload JSON, lane TEXT, about TEXT, due_at TIMESTAMPTZ, done_at TIMESTAMPTZ) -- postgres
SELECT value ->> 'key', value ->> 'kind', value -> 'payload', value ->> 'lane', value ->> 'about', value ->> 'due_at', value ->> 'done_at', 0 -- sqlite
FROM json_each(:effect) WHERE true -- sqlite
ON CONFLICT (key) DO NOTHING

-- name: all
WITH kept AS (
  {receipt}
), counted AS (
  {tally}
), promised AS (
  {effect}
)
SELECT CASE WHEN CAST(:move AS TEXT) <> '[]' THEN ledger_post_all(CAST(:move AS JSON)) END
