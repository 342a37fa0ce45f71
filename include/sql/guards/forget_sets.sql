-- Forget the undecided frozen subjects of sets that nobody will work on, and count them as skipped.
-- identifiers: none
-- values: runs (uuid[]) and rules (text[]), pairwise; reason (text)
-- locks: the deleted rows, the rows of the rules
WITH forgotten AS (
    DELETE FROM lethe.plan_subject AS s
    USING unnest(%(runs)s::uuid[], %(rules)s::text[]) AS gone (run_id, rule)
    WHERE s.run_id = gone.run_id AND s.rule = gone.rule AND s.outcome IS NULL
    RETURNING s.run_id, s.rule
),
counted AS (
    SELECT run_id, rule, count(*) AS subjects FROM forgotten GROUP BY run_id, rule
)
UPDATE lethe.plan_rule AS p
SET counts = p.counts || jsonb_build_object(
        'skipped: ' || %(reason)s,
        c.subjects + coalesce((p.counts ->> ('skipped: ' || %(reason)s))::bigint, 0))
FROM counted AS c
WHERE p.run_id = c.run_id AND p.rule = c.rule
