-- Set how long this transaction waits for a lock, and how long a statement of it may take.
-- identifiers: none
-- values: lock (text, milliseconds), statement (text, milliseconds)
-- locks: none
SELECT set_config('lock_timeout', %(lock)s, true), set_config('statement_timeout', %(statement)s, true)
