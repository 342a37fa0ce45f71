-- Give the warehouse its identity, once.
-- identifiers: none
-- values: rehearsal (boolean), warehouse_id (uuid; NULL: a new one)
-- locks: the new row
INSERT INTO lethe.warehouse (warehouse_id, rehearsal)
VALUES (coalesce(%(warehouse_id)s::uuid, gen_random_uuid()), %(rehearsal)s)
ON CONFLICT DO NOTHING
