-- Files that were set aside: a person says that one was removed by hand, or that it is given up.

ALTER TABLE lethe.outbox DROP CONSTRAINT outbox_outcome_check;
ALTER TABLE lethe.outbox ADD CONSTRAINT outbox_outcome_check
    CHECK (outcome IN ('done', 'absent', 'kept', 'quarantined', 'removed', 'given up'));
ALTER TABLE lethe.outbox DROP CONSTRAINT outbox_target_check;
ALTER TABLE lethe.outbox ADD CONSTRAINT outbox_target_check
    CHECK (target IS NOT NULL
           OR coalesce(outcome IN ('done', 'absent', 'kept', 'removed', 'given up'), false));
COMMENT ON COLUMN lethe.outbox.outcome IS
    'done: destroyed; absent: was not there; kept: a row that is alive still names the file, which goes with the last of them; quarantined: set aside; removed: an approver says that somebody removed it by hand; given up: an approver says why nobody will.';
