-- name: claim
WITH due AS (
  SELECT id FROM effect
  WHERE done_at IS NULL AND parked_at IS NULL AND due_at <= :now
    AND id <> ALL(:held) -- postgres
    AND id NOT IN (SELECT value FROM json_each(:held)) -- sqlite
    -- Clocks of two replicas differ by milliseconds; a lease much further ahead was stamped by a wrong one.
    AND (leased_until IS NULL OR leased_until <= :now OR leased_until > :ahead)
  ORDER BY due_at, id LIMIT :most
  FOR UPDATE SKIP LOCKED -- postgres
)
-- Whoever had it marked nothing, so its message may have arrived, whatever an earlier attempt says.
UPDATE effect SET attempts = attempts + 1, leased_until = :until, error = CASE WHEN leased_until IS NULL THEN error ELSE :died END
WHERE id IN (SELECT id FROM due)
RETURNING id, key, kind, payload, lane, due_at, attempts, leased_until, ref, error

-- name: mark
-- The fence: only the newest attempt may write.
WITH became AS (
  SELECT * FROM json_to_recordset(CAST(:marks AS JSON)) AS m (id BIGINT, attempt INTEGER, due_at TIMESTAMPTZ, attempts INTEGER, done_at TIMESTAMPTZ, parked_at TIMESTAMPTZ, ref TEXT, error TEXT) -- postgres
  SELECT value ->> 'id' AS id, value ->> 'attempt' AS attempt, value ->> 'due_at' AS due_at, value ->> 'attempts' AS attempts, -- sqlite
    value ->> 'done_at' AS done_at, value ->> 'parked_at' AS parked_at, value ->> 'ref' AS ref, value ->> 'error' AS error FROM json_each(:marks) -- sqlite
), ours AS (
  SELECT became.* FROM became JOIN effect ON effect.id = became.id AND effect.attempts = became.attempt
  WHERE effect.done_at IS NULL
  -- In the order in which `copies` locks them.
  ORDER BY effect.id FOR UPDATE OF effect -- postgres
)
UPDATE effect
SET leased_until = NULL, due_at = ours.due_at, attempts = ours.attempts, done_at = ours.done_at, parked_at = ours.parked_at, ref = ours.ref, error = ours.error,
  -- An address to reply to lets anybody speak for the bot while it works: it is deleted after its use.
  payload = CASE WHEN effect.kind = 'answer' AND (ours.done_at IS NOT NULL OR ours.parked_at IS NOT NULL) THEN '{}' ELSE effect.payload END
FROM ours WHERE effect.id = ours.id
RETURNING effect.id
