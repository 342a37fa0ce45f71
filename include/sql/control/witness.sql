-- The schema of a witness in another PostgreSQL; not a migration of the warehouse.

CREATE SCHEMA IF NOT EXISTS lethe_witness;

CREATE TABLE IF NOT EXISTS lethe_witness.record (
    warehouse_id uuid   NOT NULL,
    number       bigint NOT NULL CHECK (number > 0),
    line         text   NOT NULL,
    PRIMARY KEY (warehouse_id, number)
);
COMMENT ON TABLE lethe_witness.record IS
    'One JSON line a record, chained by the hash at its end; only ever added to.';

CREATE TABLE IF NOT EXISTS lethe_witness.kept_key (
    key_id       uuid  PRIMARY KEY,
    warehouse_id uuid  NOT NULL,
    wrapped      jsonb NOT NULL
);
COMMENT ON TABLE lethe_witness.kept_key IS
    'Wrapped keys, so that a restore of the warehouse does not lose them; removed when the key is destroyed.';

CREATE OR REPLACE FUNCTION lethe_witness.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'insufficient_privilege',
        MESSAGE = TG_OP || ' on lethe_witness.record is refused: a witness is only ever added to';
END $$;

CREATE OR REPLACE TRIGGER refuse_change
    BEFORE UPDATE OR DELETE OR TRUNCATE ON lethe_witness.record
    FOR EACH STATEMENT EXECUTE FUNCTION lethe_witness.refuse_change();
ALTER TABLE lethe_witness.record ENABLE ALWAYS TRIGGER refuse_change;
