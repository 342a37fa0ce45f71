-- Read the version of Lethe's own schema.
-- identifiers: none
-- values: none
-- locks: none
SELECT version_num FROM lethe.alembic_version
