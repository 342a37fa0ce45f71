-- What guards ask before an act: approvals, holds, restrictions, decisions, what is archived.

CREATE FUNCTION lethe.require_approver() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT pg_has_role(current_user, 'lethe_approver', 'USAGE') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'insufficient_privilege',
            MESSAGE = TG_OP || ' on ' || TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME
                      || ' is refused: only lethe_approver decides',
            SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;

CREATE TABLE lethe.approval (
    approval_id   uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    kind          text        NOT NULL DEFAULT 'plan',
    run_id        uuid,
    rule          text,
    digest        bytea       NOT NULL CHECK (octet_length(digest) = 32),
    policy_digest bytea       NOT NULL CHECK (octet_length(policy_digest) = 32),
    decision      text        NOT NULL CHECK (decision IN ('approve', 'reject')),
    decided_by    text        NOT NULL CHECK (decided_by <> ''),
    reason        text,
    decided_role  name        NOT NULL DEFAULT current_user,
    decided_at    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE lethe.approval IS
    'Decisions over digests, added by lethe_approver only, never changed. The latest one of a digest counts. kind: plan, key, reveal, ...';
CREATE INDEX approval_by_digest ON lethe.approval (digest, decided_at);
CREATE TRIGGER require_approver BEFORE INSERT ON lethe.approval
    FOR EACH ROW EXECUTE FUNCTION lethe.require_approver();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON lethe.approval
    FOR EACH STATEMENT EXECUTE FUNCTION lethe.refuse_change();
ALTER TABLE lethe.approval ENABLE ALWAYS TRIGGER refuse_change;

CREATE TRIGGER require_approver BEFORE UPDATE OF armed_at, armed_by ON lethe.warehouse
    FOR EACH ROW EXECUTE FUNCTION lethe.require_approver();
CREATE TRIGGER require_approver_to_add BEFORE INSERT ON lethe.warehouse
    FOR EACH ROW WHEN (NEW.armed_at IS NOT NULL) EXECUTE FUNCTION lethe.require_approver();

CREATE TRIGGER require_approver BEFORE UPDATE OF approved_at, approved_by, approved_role
    ON lethe.policy_version
    FOR EACH ROW EXECUTE FUNCTION lethe.require_approver();
CREATE TRIGGER require_approver_to_add BEFORE INSERT ON lethe.policy_version
    FOR EACH ROW WHEN (NEW.approved_at IS NOT NULL) EXECUTE FUNCTION lethe.require_approver();

CREATE FUNCTION lethe.sign_policy() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.approved_role := CASE WHEN NEW.approved_at IS NOT NULL THEN current_user END;
    RETURN NEW;
END $$;
CREATE TRIGGER sign_policy BEFORE INSERT OR UPDATE OF approved_at ON lethe.policy_version
    FOR EACH ROW EXECUTE FUNCTION lethe.sign_policy();

CREATE TABLE lethe.hold (
    hold_id        uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    subject_kind   text        NOT NULL,
    key            text[],
    query_name     text,
    reason         text        NOT NULL CHECK (reason <> ''),
    owner          text        NOT NULL CHECK (owner <> ''),
    review_on      date        NOT NULL,
    source         text        NOT NULL DEFAULT 'hand',
    created_at     timestamptz NOT NULL DEFAULT now(),
    created_by     text        NOT NULL,
    created_role   name        NOT NULL DEFAULT current_user,
    released_at    timestamptz,
    released_by    text,
    release_reason text,
    CHECK (num_nonnulls(key, query_name) = 1),
    CHECK ((released_at IS NULL) = (released_by IS NULL))
);
COMMENT ON TABLE lethe.hold IS
    'Legal holds, on one subject (key) or on those of a query that the policy names. In force while released_at is NULL, also past review_on.';
CREATE INDEX hold_by_subject ON lethe.hold (subject_kind, key) WHERE released_at IS NULL;

CREATE TABLE lethe.restriction (
    restriction_id uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    subject_kind   text        NOT NULL,
    key            text[],
    query_name     text,
    reason         text        NOT NULL CHECK (reason <> ''),
    owner          text        NOT NULL CHECK (owner <> ''),
    review_on      date        NOT NULL,
    request_id     uuid,
    created_at     timestamptz NOT NULL DEFAULT now(),
    created_by     text        NOT NULL,
    created_role   name        NOT NULL DEFAULT current_user,
    released_at    timestamptz,
    released_by    text,
    release_reason text,
    CHECK (num_nonnulls(key, query_name) = 1),
    CHECK ((released_at IS NULL) = (released_by IS NULL))
);
COMMENT ON TABLE lethe.restriction IS
    'Restrictions of processing (GDPR Art. 18): every job skips and counts these subjects while released_at is NULL.';
CREATE INDEX restriction_by_subject ON lethe.restriction (subject_kind, key) WHERE released_at IS NULL;

CREATE TABLE lethe.decision (
    decision_id  uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    rule         text        NOT NULL,
    about        text        NOT NULL,
    decision     text        NOT NULL CHECK (decision <> ''),
    reason       text        NOT NULL CHECK (reason <> ''),
    review_on    date        NOT NULL,
    decided_by   text        NOT NULL CHECK (decided_by <> ''),
    decided_role name        NOT NULL DEFAULT current_user,
    decided_at   timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE lethe.decision IS
    'What a named person decided about subjects that no rule can date (about: the reason of refusal), so that the clause is kept again until review_on.';
CREATE TRIGGER require_approver BEFORE INSERT ON lethe.decision
    FOR EACH ROW EXECUTE FUNCTION lethe.require_approver();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON lethe.decision
    FOR EACH STATEMENT EXECUTE FUNCTION lethe.refuse_change();
ALTER TABLE lethe.decision ENABLE ALWAYS TRIGGER refuse_change;

CREATE TABLE lethe.skeleton (
    subject_kind text   NOT NULL,
    cluster      text   NOT NULL,
    key          text[] NOT NULL,
    erased_on    date   NOT NULL,
    run_id       uuid,
    PRIMARY KEY (subject_kind, cluster, key)
);
COMMENT ON TABLE lethe.skeleton IS
    'Subjects of whom rows of a cluster stay without their personal columns; due again only for a later starting point, never a match of a tombstone.';

CREATE TABLE lethe.archived_document (
    document_type text        NOT NULL,
    key           text[]      NOT NULL,
    bound_digest  bytea       NOT NULL CHECK (octet_length(bound_digest) = 32),
    archived_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (document_type, key)
);
COMMENT ON TABLE lethe.archived_document IS
    'What the archive holds and has verified, with the digest of the data bound to the document; the sweep compares it with the live data.';

CREATE TABLE lethe.outbox (
    intent_id       uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    run_id          uuid,
    batch           uuid        NOT NULL,
    system          text        NOT NULL,
    action          text        NOT NULL DEFAULT 'destroy',
    target          text,
    detail          jsonb       NOT NULL DEFAULT '{}',
    intended_at     timestamptz NOT NULL DEFAULT now(),
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    attempts        integer     NOT NULL DEFAULT 0,
    last_error      text,
    outcome         text        CHECK (outcome IN ('done', 'absent', 'quarantined')),
    finished_at     timestamptz,
    CHECK ((outcome IS NULL) = (finished_at IS NULL)),
    CHECK (target IS NOT NULL OR coalesce(outcome IN ('done', 'absent'), false))
);
COMMENT ON TABLE lethe.outbox IS
    'Intents for files and other systems, committed with the erasure; a connector fulfils and confirms them. target may be personal and is set to NULL on completion; last_error is an error class, never its text.';
CREATE INDEX outbox_open ON lethe.outbox (next_attempt_at) WHERE outcome IS NULL;
