"""Pseudonymisation of logs and other automatic data (policy §2)."""
