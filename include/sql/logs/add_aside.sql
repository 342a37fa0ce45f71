-- Keep rows of a raw table that could not be pseudonymised, sealed.
-- identifiers: none
-- values: aside_id (uuid), source (text), reasons (jsonb), row_count (integer), key_period (text),
--   sealed (bytea), aside_on (date), ends_on (date)
-- locks: the new row
INSERT INTO lethe.log_aside
    (aside_id, source, reasons, row_count, key_period, sealed, aside_on, ends_on)
VALUES (%(aside_id)s, %(source)s, %(reasons)s::jsonb, %(row_count)s, %(key_period)s, %(sealed)s,
        %(aside_on)s, %(ends_on)s)
