"""Retention: which subjects are due, and why the others are not."""
