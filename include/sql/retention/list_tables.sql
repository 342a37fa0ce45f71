-- Rows by table that a rule of a run deleted or changed.
-- identifiers: none
-- values: run_id (uuid)
-- locks: none
SELECT rule, table_name, sum(deleted)::bigint AS deleted, sum(changed)::bigint AS changed
FROM lethe.plan_table
WHERE run_id = %(run_id)s
GROUP BY rule, table_name
ORDER BY rule COLLATE "C", table_name COLLATE "C"
