-- Note that a case was answered.
-- identifiers: none
-- values: case_id (uuid)
-- locks: the row
UPDATE lethe.reveal_case SET revealed_at = now() WHERE case_id = %(case_id)s AND closed_at IS NULL
