-- A page of cumulative figures: what is news in it is kept, and what grew is spent.

-- name: open_page
-- The figures of one page, empty at the start of every transaction.
CREATE TEMPORARY TABLE IF NOT EXISTS page (
  member_id BIGINT, model TEXT, amount BIGINT, input_tokens BIGINT, output_tokens BIGINT, day DATE, at TIMESTAMPTZ,
  agents JSON
)
ON COMMIT DELETE ROWS -- postgres

-- name: open_news
-- Its news. `grown` is by how much an amount grew, `since` the growth of the member's rows before it, in the order of days.
CREATE TEMPORARY TABLE IF NOT EXISTS metered (
  member_id BIGINT, model TEXT, amount BIGINT, input_tokens BIGINT, output_tokens BIGINT, day DATE, at TIMESTAMPTZ,
  agents JSON, grown BIGINT, since BIGINT
  , PRIMARY KEY (member_id, day, model) -- sqlite
)
ON COMMIT DELETE ROWS -- postgres

-- name: stage
-- 1. Set apart the rows with a figure above the one that is kept. OFFSET keeps Postgres from reading all usage instead, as it
-- does as long as it has no statistics.
INSERT INTO metered
SELECT *, CAST(SUM(GREATEST(grown, 0)) OVER w AS BIGINT) - GREATEST(grown, 0)
FROM (
  SELECT p.*, p.amount - COALESCE(u.amount, 0) AS grown FROM page p
  LEFT JOIN usage u ON u.member_id = p.member_id AND u.day = p.day AND u.model = p.model -- sqlite
  LEFT JOIN LATERAL ( -- postgres
    SELECT * FROM usage u WHERE u.member_id = p.member_id AND u.day = p.day AND u.model = p.model OFFSET 0 -- postgres
  ) u ON TRUE -- postgres
  WHERE u.member_id IS NULL OR p.amount > u.amount OR p.input_tokens > u.input_tokens OR p.output_tokens > u.output_tokens
) r
WINDOW w AS (PARTITION BY member_id ORDER BY day, model ROWS UNBOUNDED PRECEDING)

-- name: clean_page
DELETE FROM page

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

-- name: grown
SELECT COALESCE(SUM(grown), 0) AS total,
  (SELECT COUNT(*) FROM member WHERE left_at IS NOT NULL AND id IN ({members})) AS leavers
FROM metered WHERE grown > 0

-- name: spends
-- 4. What grew is spent.
SELECT member_id, grown AS amount, at, model AS reason, since FROM metered WHERE grown > 0

-- name: members
SELECT DISTINCT member_id FROM metered WHERE grown > 0

-- name: clean
-- 5. SQLite keeps the rows of a temporary table till the connection ends.
DELETE FROM metered

-- name: by_model
SELECT model, SUM(amount) AS went FROM usage WHERE member_id = :member AND day >= :since
GROUP BY model HAVING SUM(amount) > 0 ORDER BY went DESC
