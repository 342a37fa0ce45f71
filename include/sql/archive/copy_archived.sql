-- Say in bulk which documents the archive holds for the first time.
-- identifiers: none
-- values: none (rows in binary form on standard input)
-- locks: the new rows
COPY lethe.archived_document (document_type, key, bound_digest, leaf_no, archived_at)
FROM STDIN (FORMAT binary)
