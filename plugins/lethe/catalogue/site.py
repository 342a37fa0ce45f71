"""A site: one warehouse under one policy; what every duty works with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from psycopg2 import extensions

from lethe.catalogue.bind import require_bound
from lethe.catalogue.graph import Graph
from lethe.connections import Role, open_warehouse
from lethe.policy.load import LoadedPolicy, load_policy


@dataclass(frozen=True, slots=True)
class Site:
    """Where the warehouse is, and which policy applies.

    dsn  used for every role; None: the Airflow connection of each role
    """

    dsn: str | None
    loaded: LoadedPolicy

    @classmethod
    def at(cls, dsn: str | None, policy_file: str) -> Site:
        """Load the policy of a site; nothing is connected yet."""
        return cls(dsn, load_policy(policy_file))

    def connect(self, role: Role) -> extensions.connection:
        """Open the warehouse for a role."""
        return open_warehouse(self.dsn, role)

    @contextmanager
    def connected(self, role: Role) -> Iterator[extensions.connection]:
        """Open the warehouse for a role and close it at the end."""
        connection = self.connect(role)
        try:
            yield connection
        finally:
            connection.close()

    def graph(self, connection: extensions.connection) -> Graph:
        """Bind the policy to the warehouse's catalogue.

        Raises  PolicyError with every fault that makes planning impossible
        """
        return require_bound(connection, self.loaded)

    @property
    def digest(self) -> bytes:
        """SHA-256 of the policy's canonical form."""
        return bytes.fromhex(self.loaded.digest)

    @property
    def edition(self) -> tuple[str, str, bytes]:
        """Name, version and digest of the policy."""
        policy = self.loaded.policy.policy
        return policy.name, policy.version, self.digest

    def today(self) -> date:
        """Today in the policy's time zone: the only clock of a plan, read by its caller."""
        return datetime.now(ZoneInfo(self.loaded.policy.policy.time_zone)).date()
