-- The archive is found by hashes of keys: an index over text[] compares arrays at every step, and
-- costs a night that takes a million records more than the records themselves.

DROP INDEX lethe.archive_record_by_subject;
CREATE INDEX archive_record_by_subject ON lethe.archive_record (hash_array_extended(subject_key, 0));

DROP INDEX lethe.archive_record_by_document;
CREATE INDEX archive_record_by_number ON lethe.archive_record (number) WHERE kind = 'document';

-- A first version hangs on party data of its own subject, where the index above finds it, and needs
-- no token. A corrected one may hang on those of the subject that it had before: it has a token.
ALTER TABLE lethe.archive_record ALTER COLUMN content_token DROP NOT NULL;
DROP INDEX lethe.archive_record_by_party;
CREATE INDEX archive_record_by_party ON lethe.archive_record (party_no)
    WHERE kind = 'document' AND content_token IS NOT NULL;
COMMENT ON COLUMN lethe.archive_record.content_token IS
    'Keyed hash of the archived content: party data that have not changed make no version. NULL for the first version of a document.';

-- The hash stands first and decides nearly every comparison; the key itself makes it unique.
ALTER TABLE lethe.archived_document DROP CONSTRAINT archived_document_pkey;
CREATE UNIQUE INDEX archived_document_by_key
    ON lethe.archived_document (hash_array_extended(key, 0), document_type, key);
DROP INDEX lethe.archived_document_by_leaf;

CREATE TABLE lethe.archive_unchanged (
    document_type text    NOT NULL,
    part          integer NOT NULL,
    policy_digest bytea   NOT NULL,
    documents     bigint  NOT NULL,
    fingerprint   numeric NOT NULL,
    outcomes      jsonb   NOT NULL,
    PRIMARY KEY (document_type, part)
);
COMMENT ON TABLE lethe.archive_unchanged IS
    'What a night needs not compare again: issued documents by their day of issue (parts of 32 days), of which a night found every one archived as it is. fingerprint sums the hashes of their rows as the warehouse had them then. It proves nothing and may be emptied at any time: the next night compares everything, and verification and the sweep never read it.';

-- What is new is streamed out of one snapshot now; no list of it is written.
DELETE FROM lethe.plan_subject WHERE rule LIKE 'capture:%';
