-- The alarm of a late night and its all-clear go through the outbox of the reports.

ALTER TABLE lethe.report_mail DROP CONSTRAINT report_mail_period_check;
ALTER TABLE lethe.report_mail ADD CONSTRAINT report_mail_period_check
    CHECK (period IN ('day', 'month', 'late'));
COMMENT ON COLUMN lethe.report_mail.period IS
    'Which report; late: the alarm of a night (correction 0), and its all-clear (correction 1).';
