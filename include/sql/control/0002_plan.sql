-- The frozen plan of a run. A million subjects are frozen by one INSERT ... SELECT: hence no
-- foreign keys here, one index, and rows numbered oldest first in the order of insertion.

CREATE TABLE lethe.plan_rule (
    run_id       uuid    NOT NULL REFERENCES lethe.run ON DELETE CASCADE,
    rule         text    NOT NULL,
    subject_kind text    NOT NULL,
    cluster      text,
    clause       text,
    state        text    NOT NULL DEFAULT 'planned' CHECK (state IN (
        'planned', 'waiting', 'approved', 'rejected', 'superseded', 'stopped', 'done')),
    planned      bigint  NOT NULL DEFAULT 0,
    counts       jsonb   NOT NULL DEFAULT '{}',
    oldest_on    date,
    newest_on    date,
    usual        numeric,
    over_limit   text,
    flags        jsonb   NOT NULL DEFAULT '{}',
    digest       bytea   CHECK (octet_length(digest) = 32),
    PRIMARY KEY (run_id, rule)
);
COMMENT ON TABLE lethe.plan_rule IS 'One row a rule of a run; also the history that limits are compared with.';
COMMENT ON COLUMN lethe.plan_rule.planned IS 'Subjects frozen in plan_subject for this rule.';
COMMENT ON COLUMN lethe.plan_rule.counts IS
    'Subjects by what becomes of them: {"due": 3, "held": 1, "restricted": 0, "refused:no starting point": 2, ...}; at the end also by outcome.';
COMMENT ON COLUMN lethe.plan_rule.over_limit IS 'Which limit made it wait, in words; NULL if none.';
COMMENT ON COLUMN lethe.plan_rule.flags IS 'Risk flags for the person who decides: counts only.';
COMMENT ON COLUMN lethe.plan_rule.digest IS
    'SHA-256 over policy digest, as-of, rule and every (key, due_on) ordered COLLATE "C".';

CREATE TABLE lethe.plan_subject (
    run_id         uuid        NOT NULL,
    rule           text        NOT NULL,
    subject_no     bigint      NOT NULL,
    subject_kind   text        NOT NULL,
    key            text[]      NOT NULL,
    due_on         date,
    starting_point timestamptz,
    shard          integer     NOT NULL DEFAULT 0,
    outcome        text        CHECK (outcome IN ('done', 'skipped', 'quarantined')),
    reason         text,
    decided_at     timestamptz,
    PRIMARY KEY (run_id, rule, subject_no)
) WITH (fillfactor = 80);
COMMENT ON TABLE lethe.plan_subject IS
    'The frozen set. A batch claims rows with outcome NULL and subject_no above the last one that the worker took, ORDER BY subject_no FOR UPDATE SKIP LOCKED. outcome is in no index, so that deciding is a HOT update.';
COMMENT ON COLUMN lethe.plan_subject.subject_no IS
    'row_number() OVER (ORDER BY due_on, key COLLATE "C") within the rule: oldest first.';
COMMENT ON COLUMN lethe.plan_subject.key IS
    'Text form of each key column. Personal: rows are deleted when nobody needs to decide about them.';
COMMENT ON COLUMN lethe.plan_subject.shard IS 'Share of the work; a worker takes the rows of its shard, or any.';

CREATE TABLE lethe.plan_table (
    run_id     uuid    NOT NULL REFERENCES lethe.run ON DELETE CASCADE,
    rule       text    NOT NULL,
    table_name text    NOT NULL,
    shard      integer NOT NULL DEFAULT 0,
    planned    bigint  NOT NULL DEFAULT 0,
    locked     bigint  NOT NULL DEFAULT 0,
    deleted    bigint  NOT NULL DEFAULT 0,
    changed    bigint  NOT NULL DEFAULT 0,
    PRIMARY KEY (run_id, rule, table_name, shard)
);
COMMENT ON TABLE lethe.plan_table IS
    'Rows by table: planned at the freeze, locked and deleted (or changed: blanked, unlinked) at the end or shard by shard; two workers never add to one row.';
