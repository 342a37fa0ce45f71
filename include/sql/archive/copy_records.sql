-- Add sealed records in bulk.
-- identifiers: none
-- values: none (rows in binary form on standard input)
-- locks: the new rows
COPY lethe.archive_record (leaf_no, kind, document_type, document_key, number, issued_on, country,
    party_no, subject_kind, subject_key, content_token, head_no, sealed, wrapped, recovery)
FROM STDIN (FORMAT binary)
