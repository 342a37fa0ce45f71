-- Record who armed the warehouse; NULL puts it back to report-only.
-- identifiers: none
-- values: by (text)
-- locks: the row of the warehouse
UPDATE lethe.warehouse
SET armed_by = %(by)s, armed_at = CASE WHEN %(by)s::text IS NOT NULL THEN now() END
