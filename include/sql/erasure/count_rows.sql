-- Add what a batch did to the rows by table of its run, rule and worker.
-- identifiers: none
-- values: run_id (uuid), rule (text), shard (integer), tables (text[]), locked, deleted,
--         changed (bigint[])
-- locks: the worker's own rows
INSERT INTO lethe.plan_table AS t
    (run_id, rule, shard, table_name, planned, locked, deleted, changed)
SELECT %(run_id)s, %(rule)s, %(shard)s, n.table_name, n.locked, n.locked, n.deleted, n.changed
FROM unnest(%(tables)s::text[], %(locked)s::bigint[], %(deleted)s::bigint[], %(changed)s::bigint[])
     AS n(table_name, locked, deleted, changed)
ON CONFLICT (run_id, rule, table_name, shard) DO UPDATE
SET planned = t.planned + excluded.planned,
    locked = t.locked + excluded.locked,
    deleted = t.deleted + excluded.deleted,
    changed = t.changed + excluded.changed
