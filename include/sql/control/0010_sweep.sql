-- The sweep: a file that another row still names is kept, and its intent closed.

ALTER TABLE lethe.outbox DROP CONSTRAINT outbox_outcome_check;
ALTER TABLE lethe.outbox ADD CONSTRAINT outbox_outcome_check
    CHECK (outcome IN ('done', 'absent', 'kept', 'quarantined'));
ALTER TABLE lethe.outbox DROP CONSTRAINT outbox_check1;
ALTER TABLE lethe.outbox ADD CONSTRAINT outbox_target_check
    CHECK (target IS NOT NULL OR coalesce(outcome IN ('done', 'absent', 'kept'), false));
COMMENT ON COLUMN lethe.outbox.outcome IS
    'done: destroyed; absent: was not there; kept: a row that is alive still names the file, which goes with the last of them; quarantined: set aside.';
