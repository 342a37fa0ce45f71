-- The key ring: secrets wrapped by a key-encryption key that never enters this database.

CREATE TABLE lethe.key (
    key_id        uuid        PRIMARY KEY,
    purpose       text        NOT NULL,
    period        text        NOT NULL,
    wrapped       bytea,
    nonce         bytea       CHECK (octet_length(nonce) = 12),
    kek_id        text        NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    destroy_after date,
    destroyed_at  timestamptz,
    final_at      date,
    UNIQUE (purpose, period),
    CHECK ((wrapped IS NULL) = (nonce IS NULL)),
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL)),
    CHECK (destroyed_at IS NOT NULL OR final_at IS NULL)
);
COMMENT ON TABLE lethe.key IS
    'One fresh random secret a purpose and period, AES-256-GCM under the key-encryption key kek_id. A destroyed key keeps its row, so that its period never gets a second one.';
COMMENT ON COLUMN lethe.key.final_at IS 'Day on which the last backup that held the wrapped key has aged out.';

CREATE FUNCTION lethe.refuse_key_revival() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.destroyed_at IS NOT NULL AND (
           NEW.wrapped IS NOT NULL OR NEW.destroyed_at IS DISTINCT FROM OLD.destroyed_at) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'insufficient_privilege',
            MESSAGE = TG_OP || ' on lethe.key is refused: a destroyed key stays destroyed and listed',
            SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse_key_revival BEFORE UPDATE OR DELETE ON lethe.key
    FOR EACH ROW EXECUTE FUNCTION lethe.refuse_key_revival();
