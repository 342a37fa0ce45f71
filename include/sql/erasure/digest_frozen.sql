-- Give the digest of a rule's frozen subjects.
-- identifiers: digest (an aggregate over due_on and key)
-- values: run_id (uuid), rule (text)
-- locks: none
SELECT {digest}
FROM lethe.plan_subject
WHERE run_id = %(run_id)s AND rule = %(rule)s
