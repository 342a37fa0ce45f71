-- Put the keys of a batch, of one column, into a setting of the transaction; they do not leave the server.
-- identifiers: none
-- values: run_id (uuid), rule (text), numbers (bigint[])
-- locks: none
SELECT set_config('lethe.batch', ARRAY(
    SELECT b.key[1]
    FROM lethe.plan_subject AS b
    WHERE b.run_id = %(run_id)s AND b.rule = %(rule)s AND b.subject_no = ANY(%(numbers)s))::text, true) IS NULL
