-- Find a case of re-identification by its digest.
-- identifiers: none
-- values: digest (bytea)
-- locks: none
SELECT case_id, case_number, source, field, period, pseudonyms, digest, asked_by, asked_at,
       revealed_at, closed_at
  FROM lethe.reveal_case
 WHERE digest = %(digest)s
