-- Call done every frozen subject of a rule that is a row of a partition, found by its bounds: on the
-- partition itself the runner has no right.
-- identifiers: table, column (the partition key), type (of the column), key (of its rows, as text[])
-- values: run_id (uuid), rule (text), first, ends (text, in that type)
-- locks: the frozen rows, until the transaction ends
UPDATE lethe.plan_subject AS p
SET outcome = 'done', decided_at = now()
FROM {table} AS t
WHERE p.run_id = %(run_id)s AND p.rule = %(rule)s AND p.outcome IS NULL
  AND t.{column} >= %(first)s::{type} AND t.{column} < %(ends)s::{type}
  AND p.key = {key}
