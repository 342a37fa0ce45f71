-- List the oldest subjects that nobody has decided about, in the order of their keys.
-- identifiers: by_key (order by w.key in its types)
-- values: run_id (uuid), rule (text), after (bigint), most (integer)
-- locks: none
SELECT w.subject_no
FROM (
    SELECT subject_no, key
    FROM lethe.plan_subject
    WHERE run_id = %(run_id)s AND rule = %(rule)s AND outcome IS NULL AND subject_no > %(after)s
    ORDER BY subject_no
    LIMIT %(most)s) AS w
ORDER BY {by_key}
