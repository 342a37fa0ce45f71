-- Set how long this transaction waits and works, that a row policy is an error, and that short
-- statements are not compiled.
-- identifiers: none
-- values: lock_timeout (text), statement_timeout (text)
-- locks: none
SELECT set_config('lock_timeout', %(lock_timeout)s, true),
       set_config('statement_timeout', %(statement_timeout)s, true),
       set_config('row_security', 'off', true),
       set_config('jit', 'off', true)
