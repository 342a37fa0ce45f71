-- Say what is asked for; values travel as rows, not in a statement that the server may log.
-- identifiers: none
-- values: none (rows on standard input)
-- locks: none
COPY pg_temp.lethe_asked (parts) FROM STDIN
