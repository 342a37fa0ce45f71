-- Find the newest run that a DAG run made, by its name.
-- identifiers: none
-- values: policy_name (text), name (text), kinds (text[])
-- locks: none
SELECT run_id
FROM lethe.run
WHERE policy_name = %(policy_name)s AND kind = ANY (%(kinds)s) AND name = %(name)s
ORDER BY started_at DESC
LIMIT 1
