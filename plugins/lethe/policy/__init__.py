"""What was promised: the policy file as data."""
