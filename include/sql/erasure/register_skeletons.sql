-- Remember the subjects of whom rows stay without their personal columns.
-- identifiers: none
-- values: subject_kind (text), cluster (text), as_of (date), run_id (uuid), rule (text),
--         numbers (bigint[])
-- locks: the new rows
INSERT INTO lethe.skeleton AS s (subject_kind, cluster, key, erased_on, run_id)
SELECT %(subject_kind)s, %(cluster)s, p.key, %(as_of)s, p.run_id
FROM lethe.plan_subject AS p
WHERE p.run_id = %(run_id)s AND p.rule = %(rule)s AND p.subject_no = ANY(%(numbers)s)
ON CONFLICT (subject_kind, cluster, key) DO UPDATE
SET erased_on = excluded.erased_on, run_id = excluded.run_id
