-- Write how far expiry has come.
-- identifiers: none
-- values: run_id (uuid), rule (text), state (text)
-- locks: the row
UPDATE lethe.plan_rule SET state = %(state)s WHERE run_id = %(run_id)s AND rule = %(rule)s
