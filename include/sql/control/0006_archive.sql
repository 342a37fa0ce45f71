-- The archive: sealed records, the Merkle tree over their leaves, signed heads, what was destroyed.

CREATE TABLE lethe.archive_head (
    head_no       bigint      PRIMARY KEY CHECK (head_no > 0),
    tree_size     bigint      NOT NULL CHECK (tree_size > 0),
    root          bytea       NOT NULL CHECK (octet_length(root) = 32),
    previous_hash bytea       NOT NULL CHECK (octet_length(previous_hash) = 32),
    signed_at     timestamptz NOT NULL,
    wrap_key      uuid        NOT NULL,
    recovery_id   bytea       CHECK (octet_length(recovery_id) = 32),
    ephemeral     bytea       CHECK (octet_length(ephemeral) = 32),
    public_key    bytea       NOT NULL CHECK (octet_length(public_key) = 32),
    signature     bytea       NOT NULL CHECK (octet_length(signature) = 64),
    CHECK ((recovery_id IS NULL) = (ephemeral IS NULL))
);
COMMENT ON TABLE lethe.archive_head IS
    'One row an append: the tree of RFC 9162 at that size, chained by previous_hash and signed with Ed25519. What was appended since the head before is wrapped under wrap_key and, for recovery, under the agreement of ephemeral with the offline key recovery_id.';

CREATE TABLE lethe.archive_tile (
    level   smallint NOT NULL CHECK (level BETWEEN 0 AND 7),
    tile_no bigint   NOT NULL CHECK (tile_no >= 0),
    hashes  bytea    NOT NULL CHECK (octet_length(hashes) % 32 = 0
                                     AND octet_length(hashes) BETWEEN 32 AND 8192),
    PRIMARY KEY (level, tile_no)
);
ALTER TABLE lethe.archive_tile ALTER COLUMN hashes SET STORAGE EXTERNAL;
COMMENT ON TABLE lethe.archive_tile IS
    'The tree in tiles of 256 hashes: level 0 holds leaves, level n the roots of full tiles of level n-1. Only the last tile of a level ever grows.';

CREATE TABLE lethe.archive_record (
    leaf_no       bigint PRIMARY KEY CHECK (leaf_no >= 0),
    kind          text   NOT NULL CHECK (kind IN ('document', 'party', 'clock')),
    document_type text,
    document_key  text[],
    number        text,
    issued_on     date,
    country       text,
    party_no      bigint,
    subject_kind  text   NOT NULL,
    subject_key   text[] NOT NULL,
    content_token bytea  NOT NULL CHECK (octet_length(content_token) = 32),
    head_no       bigint NOT NULL REFERENCES lethe.archive_head DEFERRABLE INITIALLY DEFERRED,
    sealed        bytea  NOT NULL,
    wrapped       bytea  NOT NULL,
    recovery      bytea,
    CHECK ((kind = 'document') = (document_type IS NOT NULL AND document_key IS NOT NULL
                                  AND number IS NOT NULL AND issued_on IS NOT NULL
                                  AND party_no IS NOT NULL))
);
COMMENT ON TABLE lethe.archive_record IS
    'Living records. sealed: nonce, then AES-256-GCM over salt and canonical JSON under a data key of its own, bound to the leaf and to every other column but wrapped. wrapped: that data key under the key ring. recovery: the same under the offline key. A lawful destruction deletes the row: record, salt and both copies of the data key.';
COMMENT ON COLUMN lethe.archive_record.content_token IS 'Keyed hash of the archived content: what has not changed makes no version.';
CREATE INDEX archive_record_by_document ON lethe.archive_record (document_type, number) WHERE kind = 'document';
CREATE INDEX archive_record_by_key ON lethe.archive_record (document_type, document_key) WHERE kind = 'document';
CREATE INDEX archive_record_by_subject ON lethe.archive_record (subject_kind, subject_key);
CREATE INDEX archive_record_by_party ON lethe.archive_record (party_no) WHERE party_no IS NOT NULL;

CREATE TABLE lethe.archive_destroyed (
    leaf_no   bigint PRIMARY KEY,
    gone_no   bigint NOT NULL UNIQUE,
    statement text   NOT NULL,
    signature bytea  NOT NULL CHECK (octet_length(signature) = 64)
);
COMMENT ON TABLE lethe.archive_destroyed IS
    'Signed leaves that say which leaf was lawfully destroyed, when and by which clause; leaf_no is the place of the statement itself. Nothing in it tells whom it was about.';

CREATE TABLE lethe.archive_frozen (
    subject_kind   text   NOT NULL,
    subject_key    text[] NOT NULL,
    deactivated_on date   NOT NULL,
    erased_on      date   NOT NULL,
    run_id         uuid,
    sealed_no      bigint,
    PRIMARY KEY (subject_kind, subject_key)
);
COMMENT ON TABLE lethe.archive_frozen IS
    'What the clock of the archive needs of an erased subject, frozen in the erasing transaction; sealed_no names the leaf that the next run of the archive makes of it. Deleted with the last record of the subject.';

ALTER TABLE lethe.archived_document
    ADD COLUMN leaf_no  bigint,
    ADD COLUMN ended_on date;
COMMENT ON COLUMN lethe.archived_document.ended_on IS
    'Day on which the last version was lawfully destroyed: the document is not archived again.';

DO $$
DECLARE kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['archive_head', 'archive_destroyed'] LOOP
        EXECUTE format('CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON lethe.%I '
                       'FOR EACH STATEMENT EXECUTE FUNCTION lethe.refuse_change()', kept);
        EXECUTE format('ALTER TABLE lethe.%I ENABLE ALWAYS TRIGGER refuse_change', kept);
    END LOOP;
END $$;
