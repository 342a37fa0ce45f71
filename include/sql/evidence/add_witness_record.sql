-- Add a record to a witness.
-- identifiers: none
-- values: warehouse_id (uuid), number (bigint), line (text)
-- locks: the new row
INSERT INTO lethe_witness.record (warehouse_id, number, line)
VALUES (%(warehouse_id)s, %(number)s, %(line)s)
