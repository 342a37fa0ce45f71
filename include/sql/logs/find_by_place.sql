-- Let rows be found by their place in this transaction, not by reading the whole table.
-- identifiers: none
-- values: none
-- locks: none
SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
       set_config('enable_seqscan', 'off', true)
