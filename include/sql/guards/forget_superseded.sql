-- Forget the frozen subjects of superseded sets: nobody needs to decide about them any more.
-- identifiers: none
-- values: runs (uuid[]), rules (text[]), pairwise
-- locks: the deleted rows
DELETE FROM lethe.plan_subject AS s
USING unnest(%(runs)s::uuid[], %(rules)s::text[]) AS gone (run_id, rule)
WHERE s.run_id = gone.run_id AND s.rule = gone.rule AND s.outcome IS NULL
