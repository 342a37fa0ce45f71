-- Be the only sweep by hand of a policy, until the transaction ends; it holds no row and no snapshot.
-- identifiers: none
-- values: policy_name (text)
-- locks: an advisory lock, if nobody has it
SELECT pg_try_advisory_xact_lock(hashtextextended('lethe/sweep/' || %(policy_name)s, 0)),
       set_config('idle_in_transaction_session_timeout', '0', true)
