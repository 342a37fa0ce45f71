-- Add tombstones in bulk.
-- identifiers: none
-- values: none (rows on standard input)
-- locks: the new rows
COPY lethe.tombstone (token, kind, key_id, subject_kind, identifier, subject_token,
                      starting_point, newest_activity, erased_at, run_id, batch) FROM STDIN
