-- Name the logical replication slots of this database.
-- identifiers: none
-- values: none
-- locks: none
SELECT s.slot_name AS name, s.plugin::text AS plugin, s.active
FROM pg_replication_slots AS s
WHERE s.slot_type = 'logical'
  AND s.database = current_database()
ORDER BY s.slot_name COLLATE "C"
