"""Data quality: expectations that follow from the policy, run by Great Expectations."""
