-- Count what is left of a frozen set.
-- identifiers: none
-- values: run_id (uuid), rule (text)
-- locks: none
SELECT count(*) FROM lethe.plan_subject
WHERE run_id = %(run_id)s AND rule = %(rule)s AND outcome IS NULL
