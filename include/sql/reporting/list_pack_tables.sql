-- List rows by table of some runs: planned and locked before, deleted and changed after.
-- identifiers: none
-- values: runs (uuid[])
-- locks: none
SELECT t.run_id::text, t.rule, t.table_name, sum(t.planned)::bigint, sum(t.locked)::bigint,
       sum(t.deleted)::bigint, sum(t.changed)::bigint
FROM lethe.plan_table AS t
JOIN lethe.run AS r USING (run_id)
WHERE t.run_id = ANY(%(runs)s::uuid[])
GROUP BY r.started_at, t.run_id, t.rule, t.table_name
ORDER BY r.started_at, t.run_id, t.rule COLLATE "C", t.table_name COLLATE "C"
