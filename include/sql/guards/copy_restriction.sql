-- Add restrictions (GDPR Art. 18); keys travel as rows, not in a statement that the server may log.
-- identifiers: none
-- values: none (rows on standard input)
-- locks: the new rows
COPY lethe.restriction (restriction_id, subject_kind, key, query_name, reason, owner, review_on, request_id, created_by, key_of) FROM STDIN
