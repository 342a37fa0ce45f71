-- Add legal holds; keys travel as rows, not in a statement that the server may log.
-- identifiers: none
-- values: none (rows on standard input)
-- locks: the new rows
COPY lethe.hold (hold_id, subject_kind, key, query_name, reason, owner, review_on, source, created_by, key_of) FROM STDIN
