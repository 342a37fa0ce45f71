-- Open a case of re-identification; asked again it is the same case.
-- identifiers: none
-- values: case_number, purpose, source, field, period (text), pseudonyms (integer),
--   digest, policy_digest (bytea), asked_by (text)
-- locks: the new row
INSERT INTO lethe.reveal_case
    (case_number, purpose, source, field, period, pseudonyms, digest, policy_digest, asked_by)
VALUES (%(case_number)s, %(purpose)s, %(source)s, %(field)s, %(period)s, %(pseudonyms)s, %(digest)s,
        %(policy_digest)s, %(asked_by)s)
ON CONFLICT (digest) DO NOTHING
RETURNING case_id
