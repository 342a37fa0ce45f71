-- List the columns of Airflow's metadata database that may carry what tasks and people wrote:
-- XCom, configuration of runs, rendered fields, answers, the event log.
-- identifiers: none
-- values: columns (text[], each 'table.column')
-- locks: none
SELECT table_schema, table_name, column_name
FROM information_schema.columns
WHERE table_name || '.' || column_name = ANY(%(columns)s)
  AND table_schema NOT IN ('pg_catalog', 'information_schema')
ORDER BY table_schema, table_name, column_name
