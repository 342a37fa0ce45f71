-- Remove the tombstones of the erased whom no backup and no late import can bring back any more.
-- identifiers: none
-- values: erased_before (timestamptz)
-- locks: the removed rows
DELETE FROM lethe.tombstone WHERE erased_at < %(erased_before)s
