-- What Lethe knows of itself: this warehouse, its runs, the versions of the policy.

CREATE TABLE lethe.warehouse (
    one_row       boolean     PRIMARY KEY DEFAULT true CHECK (one_row),
    warehouse_id  uuid        NOT NULL DEFAULT gen_random_uuid(),
    created_at    timestamptz NOT NULL DEFAULT now(),
    rehearsal     boolean     NOT NULL DEFAULT false,
    armed_at      timestamptz,
    armed_by      text,
    CHECK ((armed_at IS NULL) = (armed_by IS NULL))
);
COMMENT ON TABLE lethe.warehouse IS
    'One row. rehearsal: future dates may be executed. armed_at NULL: report-only; only lethe_approver sets it.';

CREATE TABLE lethe.policy_version (
    digest         bytea       PRIMARY KEY CHECK (octet_length(digest) = 32),
    name           text        NOT NULL,
    version        text        NOT NULL,
    effective_from date,
    first_seen_at  timestamptz NOT NULL DEFAULT now(),
    source         text,
    diff           jsonb,
    announced_on   date,
    approved_at    timestamptz,
    approved_by    text,
    approved_role  name,
    CHECK ((approved_at IS NULL) = (approved_by IS NULL))
);
COMMENT ON TABLE lethe.policy_version IS
    'Every policy ever seen, by SHA-256 of its canonical form; the gate reads effective_from, announced_on and approved_at (set by lethe_approver only).';
COMMENT ON COLUMN lethe.policy_version.source IS 'The YAML text, so that the next version can be compared with it.';

CREATE TABLE lethe.run (
    run_id         uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    kind           text        NOT NULL,
    name           text,
    policy_name    text        NOT NULL,
    policy_version text        NOT NULL,
    policy_digest  bytea       NOT NULL CHECK (octet_length(policy_digest) = 32),
    as_of          date        NOT NULL,
    requested_by   text,
    started_at     timestamptz NOT NULL DEFAULT now(),
    finished_at    timestamptz,
    state          text        NOT NULL DEFAULT 'planned' CHECK (state IN (
        'planned', 'running', 'waiting', 'done', 'stopped', 'failed', 'superseded')),
    reason         text,
    sealed_seal_no bigint,
    summary        jsonb       NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE lethe.run IS
    'One row a run of any duty (kind: sweep, logs, archive, ...). A sweep is done only when sealed_seal_no names the seal over its ledger rows.';
COMMENT ON COLUMN lethe.run.name IS
    'Name that finds the run again after clear and rerun (the id of the DAG run); unique within a kind.';
COMMENT ON COLUMN lethe.run.requested_by IS 'Who asked for it by hand; may not approve it.';
CREATE UNIQUE INDEX run_by_name ON lethe.run (kind, name) WHERE name IS NOT NULL;
CREATE INDEX run_by_start ON lethe.run (kind, started_at);
