-- Have every type of a user told with its schema and without needless quotes, no function of a user
-- called, and nobody's exclusive lock waited for longer than a moment, until the transaction or
-- savepoint ends.
-- identifiers: none
-- values: none
-- locks: none
SELECT
    set_config('search_path', 'pg_catalog', true),
    set_config('quote_all_identifiers', 'off', true),
    set_config('lock_timeout', '5s', true)
