-- A page of cumulative figures: what is news in it is kept, and what grew is spent.

-- name: open_page
-- The news of one page, empty at the start of every transaction. `grown` is by how much an amount grew.
CREATE TEMPORARY TABLE IF NOT EXISTS metered (
  member_id BIGINT, day DATE, model TEXT, at TIMESTAMPTZ, amount BIGINT, input_tokens BIGINT, output_tokens BIGINT,
  agents JSON, grown BIGINT
)
ON COMMIT DELETE ROWS -- postgres

-- name: page
-- One parameter, however long the page: a list of objects as JSON.
SELECT * FROM json_to_recordset(CAST(:page AS json)) AS p ( -- postgres
  member_id BIGINT, day DATE, model TEXT, at TIMESTAMPTZ, amount BIGINT, input_tokens BIGINT, output_tokens BIGINT, agents JSON -- postgres
) -- postgres
SELECT json_extract(value, '$.member_id') AS member_id, json_extract(value, '$.day') AS day, -- sqlite
  json_extract(value, '$.model') AS model, json_extract(value, '$.at') AS at, -- sqlite
  json_extract(value, '$.amount') AS amount, json_extract(value, '$.input_tokens') AS input_tokens, -- sqlite
  json_extract(value, '$.output_tokens') AS output_tokens, json_extract(value, '$.agents') AS agents -- sqlite
FROM json_each(:page) -- sqlite

-- name: stage
-- 1. Set apart the rows with a figure above the one that is kept.
INSERT INTO metered
SELECT r.*, r.amount - COALESCE(u.amount, 0) FROM ({page}) r
LEFT JOIN usage u ON u.member_id = r.member_id AND u.day = r.day AND u.model = r.model
WHERE u.member_id IS NULL OR r.amount > u.amount OR r.input_tokens > u.input_tokens OR r.output_tokens > u.output_tokens

-- name: keep_agents
-- 2. Note which agents had a call.
INSERT INTO active_agent (day, member_id, agent)
SELECT DISTINCT m.day, m.member_id, a.value FROM metered m,
  json_array_elements_text(m.agents) a (value) -- postgres
  json_each(m.agents) a -- sqlite
WHERE m.amount + m.input_tokens + m.output_tokens > 0 ON CONFLICT DO NOTHING

-- name: keep
-- 3. Figures only grow.
INSERT INTO usage (member_id, day, model, amount, input_tokens, output_tokens)
SELECT member_id, day, model, amount, input_tokens, output_tokens FROM metered WHERE TRUE
ON CONFLICT (member_id, day, model) DO UPDATE SET amount = GREATEST(excluded.amount, usage.amount),
  input_tokens = GREATEST(excluded.input_tokens, usage.input_tokens),
  output_tokens = GREATEST(excluded.output_tokens, usage.output_tokens)

-- name: total
SELECT COALESCE(SUM(grown), 0) FROM metered WHERE grown > 0

-- name: spends
-- 4. What grew is spent, in the order of days.
SELECT member_id, grown AS amount, at, model AS reason, ROW_NUMBER() OVER (ORDER BY day, model) AS place
FROM metered WHERE grown > 0

-- name: members
SELECT DISTINCT member_id FROM metered WHERE grown > 0

-- name: clean
-- 5. SQLite keeps the rows of a temporary table till the connection ends.
DELETE FROM metered

-- name: by_model
SELECT model, SUM(amount) AS went FROM usage WHERE member_id = :member AND day >= :since
GROUP BY model HAVING SUM(amount) > 0 ORDER BY went DESC
