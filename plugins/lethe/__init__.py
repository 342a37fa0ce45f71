"""Lethe keeps the promises of a published privacy policy on a PostgreSQL warehouse."""

__version__ = "0.1.0"
