-- Give the warehouse its identity, once.
-- identifiers: none
-- values: rehearsal (boolean)
-- locks: the new row
INSERT INTO lethe.warehouse (rehearsal) VALUES (%(rehearsal)s) ON CONFLICT DO NOTHING
