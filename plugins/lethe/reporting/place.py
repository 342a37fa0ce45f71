"""Names of the policy file and of the warehouse in words that its own author gave them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lethe.policy.labels import label
from lethe.policy.model import Policy
from lethe.reporting.said import listed, said
from lethe.reporting.summary import Words


def as_words(text: Mapping[Any, str]) -> Words:
    """A text of the policy, by language."""
    return {str(language): words for language, words in text.items()}


def place(policy: Policy, what: str) -> Words:
    """Where something is: a table or a column, with the title of the data that lie there.

    what  'schema.table', 'schema.table.column', perhaps behind the name of a cluster or a consent;
          what the policy does not know is shown as it is
    """
    for name, entry in sorted(policy.tables.items(), key=lambda pair: -len(str(pair[0]))):
        table = str(name)
        before, found, after = f".{what}.".partition(f".{table}.")
        if not found or (before.strip(".") and "." in before.strip(".")):
            continue
        cluster = entry.cluster or (entry.rows[0].cluster if entry.rows else None)
        title = as_words(policy.clusters[cluster].title) if cluster in policy.clusters else None
        column = after.strip(".")
        if column:
            key = "place.column" if title else "place.column_alone"
        else:
            key = "place.table" if title else "place.table_alone"
        return said(key, table=table, column=column, title=title or "")
    if what in policy.clusters:
        return as_words(policy.clusters[what].title)
    return {"en": what, "fr": what}


def deciders(policy: Policy) -> Words:
    """Who decides where the policy leaves a choice: its approvers, else the DPO."""
    names = [each.name for each in policy.guards.approvers] or [policy.controller.dpo.name]
    return listed([label(policy, name) for name in dict.fromkeys(names)])


def role_of(policy: Policy, user: str) -> Words:
    """Who somebody is, by the function that the policy gives to a user or a role."""
    for each in policy.guards.approvers:
        if user in (each.user, each.name, each.database_role):
            return said("role.approver", name=label(policy, each.name))
    return {}


def rule_title(policy: Policy, name: str) -> Words:
    """A rule as the policy calls it; one that it does not know by its name."""
    rule = policy.rules.get(name)
    return as_words(rule.title) if rule is not None else {"en": name, "fr": name}


def kind_title(policy: Policy, name: str) -> Words:
    """A kind of subject as the policy calls it; one that it does not know by its name."""
    kind = policy.subjects.get(name)
    return as_words(kind.title) if kind is not None else {"en": name, "fr": name}
