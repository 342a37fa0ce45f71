-- The archive takes a million records a night: no check or index beyond what a statement asks for.

-- `archive verify` checks the head of every record, and more of it than a foreign key can.
ALTER TABLE lethe.archive_record DROP CONSTRAINT archive_record_head_no_fkey;
DROP INDEX lethe.archive_record_by_key;

CREATE INDEX archived_document_by_leaf ON lethe.archived_document (leaf_no);
