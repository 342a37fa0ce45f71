-- How many mails of a report were sent, and how many are claimed or failed.
-- identifiers: none
-- values: policy_name, period (text), last_on (date)
-- locks: none
SELECT count(*) FILTER (WHERE state = 'sent'), count(*) FILTER (WHERE state <> 'sent')
FROM lethe.report_mail
WHERE policy_name = %(policy_name)s AND period = %(period)s AND last_on = %(last_on)s
