-- Forget what was set aside, once it was read again in the same transaction.
-- identifiers: none
-- values: aside_id (uuid)
-- locks: the deleted row
DELETE FROM lethe.log_aside WHERE aside_id = %(aside_id)s
