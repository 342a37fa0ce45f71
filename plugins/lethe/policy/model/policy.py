"""The root of a policy file."""

from __future__ import annotations

from lethe.policy.model.archive import Archive, Quality
from lethe.policy.model.base import Key, Model, Table, Text
from lethe.policy.model.clauses import (
    Clause,
    Controller,
    Edition,
    Processor,
    Purpose,
    Reading,
)
from lethe.policy.model.guards import Guards
from lethe.policy.model.logs import Logs
from lethe.policy.model.places import (
    AgeLimit,
    Consent,
    Disclosures,
    Evidence,
    Mail,
    Notices,
    System,
    Undecided,
    Warehouse,
)
from lethe.policy.model.rules import Rule
from lethe.policy.model.subjects import Cluster, PolicyTable, Subject


class Policy(Model):
    """A company's policy: what was promised, and where in the warehouse it applies."""

    policy: Edition
    """Name, edition, dates, zones."""
    controller: Controller
    """The controller and its officers."""
    clauses: dict[Key, Clause]
    """Every promise, with its control."""
    readings: dict[Key, Reading] = {}
    """How open sentences are read, for somebody to confirm."""
    labels: dict[str, Text] = {}
    """Words of this file that have no title (owners, grounds, laws, names), as each language says
    them in mails and papers."""
    purposes: dict[Key, Purpose]
    """Purposes of processing."""
    subjects: dict[Key, Subject]
    """Kinds of subject."""
    clusters: dict[Key, Cluster]
    """Clusters of personal data."""
    tables: dict[Table, PolicyTable]
    """Every table: cluster, classes, links, action."""
    rules: dict[Key, Rule] = {}
    """Deletion rules."""
    warehouse: Warehouse = Warehouse()
    """Scope and answers."""
    guards: Guards = Guards()
    """Caps, approval, holds, batches."""
    undecided_after: Undecided = Undecided()
    """When silence becomes 'not kept'."""
    evidence: Evidence = Evidence()
    """Life of the evidence, witness."""
    systems: dict[Key, System] = {}
    """Every other place."""
    processors: dict[Key, Processor] = {}
    """Processors and recipients."""
    logs: Logs | None = None
    """Pseudonymisation of automatic data."""
    archive: Archive | None = None
    """Archive of documents."""
    quality: Quality = Quality()
    """Quality expectations."""
    consents: dict[Key, Consent] = {}
    """Where consents stand."""
    disclosures: Disclosures | None = None
    """Register of disclosures."""
    age_limits: dict[Key, AgeLimit] = {}
    """What happens to the young."""
    notices: Notices = Notices()
    """Policy changes and breaches."""
    mail: Mail | None = None
    """Reports by e-mail."""
