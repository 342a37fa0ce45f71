-- Name the files of a system whose destruction is intended and not confirmed.
-- identifiers: none
-- values: system (text)
-- locks: none
SELECT target FROM lethe.outbox WHERE system = %(system)s AND outcome IS NULL
