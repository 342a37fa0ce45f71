-- Of some files, those that a row still names.
-- identifiers: table, column (the column that names files)
-- values: targets (text[])
-- locks: none
SELECT DISTINCT t.{column}::text
FROM {table} AS t
WHERE t.{column}::text = ANY(%(targets)s::text[])
