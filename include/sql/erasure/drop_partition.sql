-- Drop a partition through the function of its owner, which looks again that all of it is due.
-- identifiers: function
-- values: schema, name (text), last_due (date), with_digest (boolean)
-- locks: the partition and its table, exclusively, until the transaction ends
SELECT rows, newest, digest
FROM lethe.{function}(%(schema)s, %(name)s, %(last_due)s, %(with_digest)s)
