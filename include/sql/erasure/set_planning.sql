-- Give a statement that judges every subject room to work in, for this transaction: hashes of a
-- million subjects should not go through files, and compiling so long a statement takes longer
-- than it saves.
-- identifiers: none
-- values: none
-- locks: none
SELECT set_config('jit', 'off', true),
       set_config('work_mem', greatest(pg_size_bytes(current_setting('work_mem')),
                                       pg_size_bytes('64MB')) / 1024 || 'kB', true)
