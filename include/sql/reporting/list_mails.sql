-- The mails of a report to a recipient: the first one, then its corrections.
-- identifiers: none
-- values: policy_name, period, recipient (text), last_on (date)
-- locks: none
SELECT message_id, correction, state, content, attempts
FROM lethe.report_mail
WHERE policy_name = %(policy_name)s AND period = %(period)s AND last_on = %(last_on)s
  AND recipient = %(recipient)s
ORDER BY correction
