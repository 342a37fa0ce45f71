-- Read the newest values of one column of Airflow's metadata database as text.
-- identifiers: table, column
-- values: most (integer)
-- locks: none
SELECT {column}::text
FROM {table}
WHERE {column} IS NOT NULL
ORDER BY ctid DESC
LIMIT %(most)s
