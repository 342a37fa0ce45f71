-- Add a signed statement that a leaf was lawfully destroyed.
-- identifiers: none
-- values: leaf_no, gone_no (bigint), statement (text), signature (bytea)
-- locks: the new row
INSERT INTO lethe.archive_destroyed (leaf_no, gone_no, statement, signature)
VALUES (%(leaf_no)s, %(gone_no)s, %(statement)s, %(signature)s)
