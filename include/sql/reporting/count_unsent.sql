-- Mails of earlier reports that were claimed or failed and did not go out since: an hour is enough.
-- identifiers: none
-- values: policy_name (text), made_at (timestamptz)
-- locks: none
SELECT count(*)
FROM lethe.report_mail
WHERE policy_name = %(policy_name)s AND state <> 'sent'
  AND claimed_at < %(made_at)s - interval '1 hour' AND claimed_at > %(made_at)s - interval '31 days'
