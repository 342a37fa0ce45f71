"""What can go wrong on the demo's ground, as sentences with a way out."""

from __future__ import annotations


class PlatformError(Exception):
    """The platform could not do what it was asked; the message says what and the way out."""

    exit_code = 3


class PortTaken(PlatformError):
    """Somebody else listens where Airflow's API server should."""

    exit_code = 2


class NightFailed(PlatformError):
    """A DAG run of the night failed."""

    exit_code = 1
