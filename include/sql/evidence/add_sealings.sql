-- Say which batches a seal covers.
-- identifiers: none
-- values: seal_no (bigint), batches (uuid[])
-- locks: the new rows
INSERT INTO lethe.ledger_sealing (batch, seal_no)
SELECT batch, %(seal_no)s FROM unnest(%(batches)s::uuid[]) AS batch
