-- Freeze certain subjects, numbered from 1, whether they are due or not: a rehearsal.
-- identifiers: none
-- values: run_id (uuid), rule, kind (text), keys (text[]: each the text form of a text[])
-- locks: the new rows
INSERT INTO lethe.plan_subject (run_id, rule, subject_no, subject_kind, key)
SELECT %(run_id)s, %(rule)s, k.number, %(kind)s, k.key::text[]
FROM unnest(%(keys)s::text[]) WITH ORDINALITY AS k(key, number)
