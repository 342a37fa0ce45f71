-- Logs: rows of raw tables that were set aside, and cases in which somebody is re-identified.

CREATE TABLE lethe.log_aside (
    aside_id   uuid        PRIMARY KEY,
    source     text        NOT NULL,
    reasons    jsonb       NOT NULL,
    row_count  integer     NOT NULL CHECK (row_count > 0),
    key_period text        NOT NULL,
    sealed     bytea       NOT NULL,
    aside_on   date        NOT NULL,
    ends_on    date        NOT NULL
);
COMMENT ON TABLE lethe.log_aside IS
    'Rows of raw log tables that could not be pseudonymised, sealed (AES-256-GCM) under the quarantine key of key_period until they are read again, or until the day after ends_on.';

CREATE TABLE lethe.reveal_case (
    case_id       uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    case_number   text        NOT NULL CHECK (case_number <> ''),
    purpose       text        NOT NULL CHECK (purpose = 'fraud'),
    source        text        NOT NULL,
    field         text        NOT NULL,
    period        text        NOT NULL,
    pseudonyms    integer     NOT NULL CHECK (pseudonyms > 0),
    digest        bytea       NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    policy_digest bytea       NOT NULL CHECK (octet_length(policy_digest) = 32),
    asked_by      text        NOT NULL CHECK (asked_by <> ''),
    asked_role    name        NOT NULL DEFAULT current_user,
    asked_at      timestamptz NOT NULL DEFAULT now(),
    revealed_at   timestamptz,
    closed_at     timestamptz,
    closed_by     text,
    CHECK ((closed_at IS NULL) = (closed_by IS NULL))
);
COMMENT ON TABLE lethe.reveal_case IS
    'Requests to re-identify pseudonyms of logs: fraud only, with a case number. digest: SHA-256 over policy, case, asker, source, field, period and the exact pseudonyms; an approval by lethe_approver binds to it. No pseudonym stands here. While closed_at is NULL the key of the period is not destroyed.';
CREATE INDEX reveal_case_by_period ON lethe.reveal_case (period) WHERE closed_at IS NULL;
