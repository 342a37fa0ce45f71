"""Bind a policy to a warehouse: the graph that everything plans from, and all that is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import psycopg2
from psycopg2 import extensions

from lethe.catalogue.checks import Checked, Found, check_statically
from lethe.catalogue.checks.classes import unclassified
from lethe.catalogue.checks.encoding import check_encoding
from lethe.catalogue.graph import Finding, Graph, build_graph
from lethe.catalogue.probes import ask, read_query_types, reading
from lethe.catalogue.questions import Questions
from lethe.catalogue.read import read_catalogue
from lethe.errors import Fault, PolicyError, WarehouseRefused, describe_database_error
from lethe.policy.load import LoadedPolicy
from lethe.policy.names import TableName


@dataclass(frozen=True, slots=True)
class Bound:
    """A policy and a warehouse, joined.

    found         every fault, alarm and advice, in the order of the file
    unclassified  columns without a class: they stop column-wise actions on their table
    """

    loaded: LoadedPolicy
    graph: Graph
    found: tuple[Found, ...]
    unclassified: Mapping[TableName, tuple[str, ...]]

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What makes planning impossible."""
        return as_faults(self.loaded, (each for each in self.found if each.level == "fault"))

    @property
    def alarms(self) -> tuple[Found, ...]:
        """What is not kept, or has no answer."""
        return tuple(each for each in self.found if each.level == "alarm")

    @property
    def advice(self) -> tuple[Found, ...]:
        """What would be better otherwise."""
        return tuple(each for each in self.found if each.level == "advice")


def bind(connection: extensions.connection, loaded: LoadedPolicy) -> Bound:
    """Read the catalogue once and check the policy against it; nothing is changed.

    connection  outside a transaction, or in one that stays as it was
    Raises      WarehouseRefused, WarehouseUnreachable
    """
    catalogue = read_catalogue(connection)
    try:
        with reading(connection) as cursor:
            query_types, found = read_query_types(cursor, loaded.policy)
            graph, findings = build_graph(loaded.policy, catalogue, query_types)
            checked = Checked(loaded.policy, catalogue, graph)
            found += faults_of(findings)
            found += check_statically(checked)
            server = connection.get_parameter_status("server_encoding") or "UTF8"
            found += check_encoding(server, loaded.document.texts)
            found += ask(cursor, Questions(checked, query_types).all())
    except psycopg2.Error as error:
        raise WarehouseRefused(
            f"the policy could not be checked ({describe_database_error(error)})", error.pgcode
        ) from None
    return Bound(loaded, graph, ordered(loaded, found), unclassified(checked))


def require_bound(connection: extensions.connection, loaded: LoadedPolicy) -> Graph:
    """Bind a policy, and refuse one that nothing can be planned from.

    Raises  PolicyError with all faults, WarehouseRefused, WarehouseUnreachable
    """
    bound = bind(connection, loaded)
    if bound.faults:
        raise PolicyError(bound.faults)
    return bound.graph


def faults_of(findings: Iterable[Finding]) -> list[Found]:
    """What the graph or the steps could not resolve, as faults."""
    return [Found("fault", "unresolved", place, message) for place, message in findings]


def as_faults(loaded: LoadedPolicy, found: Iterable[Found]) -> tuple[Fault, ...]:
    """Give findings their file and line."""
    return tuple(dict.fromkeys(loaded.fault(each.place, each.message) for each in found))


def ordered(loaded: LoadedPolicy, found: Iterable[Found]) -> tuple[Found, ...]:
    """Each finding once, in the order of the file; those about the warehouse alone come last."""
    once = dict.fromkeys(found)
    return tuple(
        sorted(once, key=lambda each: (not each.place, loaded.line_of(each.place), each.message))
    )
