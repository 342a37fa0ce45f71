-- Evidence: append-only ledger, its seals, tombstones.

CREATE FUNCTION lethe.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'insufficient_privilege',
        MESSAGE = TG_OP || ' on ' || TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME
                  || ' is refused: evidence is only ever added to',
        HINT = 'Only a migration run by the owner of the schema may lift this.',
        SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME;
END $$;

CREATE TABLE lethe.ledger_batch (
    batch        uuid        PRIMARY KEY,
    run_id       uuid,
    at           timestamptz NOT NULL DEFAULT now(),
    row_count    integer     NOT NULL CHECK (row_count > 0),
    witness_no   bigint,
    witness_hash bytea
);
COMMENT ON TABLE lethe.ledger_batch IS
    'One row a committed batch. Its presence tells, after a crash, that the batch happened.';
COMMENT ON COLUMN lethe.ledger_batch.witness_no IS 'Number and hash of the witness record written before the commit.';

CREATE TABLE lethe.ledger (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    batch         uuid        NOT NULL,
    run_id        uuid,
    at            timestamptz NOT NULL DEFAULT now(),
    kind          text        NOT NULL,
    subject_token bytea,
    key_id        uuid,
    payload       jsonb       NOT NULL DEFAULT '{}',
    CHECK ((subject_token IS NULL) = (key_id IS NULL))
);
COMMENT ON TABLE lethe.ledger IS
    'What was done, by whom it may be known only through a key. No personal data in payload: counts by table, names of rules, reasons.';
CREATE INDEX ledger_by_batch ON lethe.ledger (batch);
CREATE INDEX ledger_by_run ON lethe.ledger (run_id, kind);

CREATE TABLE lethe.ledger_seal (
    seal_no       bigint      PRIMARY KEY CHECK (seal_no > 0),
    leaf_count    bigint      NOT NULL CHECK (leaf_count > 0),
    first_id      bigint      NOT NULL,
    last_id       bigint      NOT NULL,
    merkle_root   bytea       NOT NULL CHECK (octet_length(merkle_root) = 32),
    previous_hash bytea       NOT NULL CHECK (octet_length(previous_hash) = 32),
    seal_hash     bytea       NOT NULL CHECK (octet_length(seal_hash) = 32),
    sealed_at     timestamptz NOT NULL
);
COMMENT ON TABLE lethe.ledger_seal IS
    'RFC 9162 tree over the ledger rows of the batches in ledger_sealing, ordered by id; chained by previous_hash.';

CREATE TABLE lethe.ledger_sealing (
    batch   uuid   PRIMARY KEY REFERENCES lethe.ledger_batch,
    seal_no bigint NOT NULL REFERENCES lethe.ledger_seal
);
COMMENT ON TABLE lethe.ledger_sealing IS
    'Which seal covers a batch. A batch that is absent here is not sealed yet, however low the ids of its rows.';
CREATE INDEX ledger_sealing_by_seal ON lethe.ledger_sealing (seal_no);

CREATE TABLE lethe.ledger_expired (
    id         bigint      PRIMARY KEY,
    batch      uuid        NOT NULL,
    leaf       bytea       NOT NULL CHECK (octet_length(leaf) = 32),
    at         timestamptz NOT NULL,
    expired_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE lethe.ledger_expired IS
    'Leaf hashes of per-subject ledger rows whose own period has ended, so that their seal still verifies.';
CREATE INDEX ledger_expired_by_batch ON lethe.ledger_expired (batch);

DO $$
DECLARE evidence text;
BEGIN
    FOREACH evidence IN ARRAY ARRAY[
        'ledger', 'ledger_batch', 'ledger_seal', 'ledger_sealing', 'ledger_expired'] LOOP
        EXECUTE format('CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON lethe.%I '
                       'FOR EACH STATEMENT EXECUTE FUNCTION lethe.refuse_change()', evidence);
        EXECUTE format('ALTER TABLE lethe.%I ENABLE ALWAYS TRIGGER refuse_change', evidence);
    END LOOP;
END $$;

CREATE TABLE lethe.tombstone (
    tombstone_id    bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token           bytea       NOT NULL,
    kind            text        NOT NULL CHECK (kind IN ('table_key', 'identifier')),
    key_id          uuid        NOT NULL,
    subject_kind    text        NOT NULL,
    identifier      text        NOT NULL DEFAULT '',
    subject_token   bytea       NOT NULL,
    erased_at       timestamptz NOT NULL DEFAULT now(),
    starting_point  timestamptz,
    newest_activity timestamptz,
    run_id          uuid,
    batch           uuid        NOT NULL
);
COMMENT ON TABLE lethe.tombstone IS
    'Keyed hashes of the erased: one row for the table key, one for each natural identifier. No plain value. Ends with backups.retention + late_import_window; the key that key_id names outlives it.';
COMMENT ON COLUMN lethe.tombstone.subject_token IS
    'Token of the table key of the same subject: joins the rows of one erasure.';
CREATE INDEX tombstone_by_token ON lethe.tombstone (token);
CREATE INDEX tombstone_by_batch ON lethe.tombstone (batch);
