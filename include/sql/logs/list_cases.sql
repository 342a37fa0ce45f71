-- List the cases of re-identification, open ones first.
-- identifiers: none
-- values: none
-- locks: none
SELECT case_id, case_number, source, field, period, pseudonyms, digest, asked_by, asked_at,
       revealed_at, closed_at
  FROM lethe.reveal_case
 ORDER BY closed_at IS NOT NULL, asked_at
