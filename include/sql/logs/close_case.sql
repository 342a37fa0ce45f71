-- Close a case of re-identification; from then on it keeps no key.
-- identifiers: none
-- values: case_id (uuid), by (text)
-- locks: the row
UPDATE lethe.reveal_case SET closed_at = now(), closed_by = %(by)s
 WHERE case_id = %(case_id)s AND closed_at IS NULL
RETURNING case_number
