-- What an expired ledger row leaves: all of it that an evidence pack may show, and a commitment.

ALTER TABLE lethe.ledger_expired
    ADD COLUMN run_id     uuid,
    ADD COLUMN kind       text,
    ADD COLUMN commitment bytea CHECK (octet_length(commitment) = 32);
COMMENT ON COLUMN lethe.ledger_expired.commitment IS
    'HMAC-SHA-256 over what the row hid, under a blinding that ended with it: it says nothing any more. leaf is the hash over id, batch, run_id, at, kind and this.';
