"""A whole policy from the few lines that a test is about."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import yaml
from lethe.policy.load import LoadedPolicy, parse_policy

# libyaml where the wheel has it: nearly every test makes a policy.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

HEAD: dict[str, Any] = {
    "policy": {
        "name": "small",
        "version": "1",
        "title": "Small",
        "effective_from": "2026-01-01",
        "time_zone": "Europe/Luxembourg",
    },
    "controller": {
        "name": "Small Ltd",
        "country": "LU",
        "contact": "gdpr@example.org",
        "dpo": {"name": "Officer"},
    },
    "clauses": {
        "retention": {
            "section": "9",
            "promise": "Deleted.",
            "control": {"kind": "enforced", "by": ["retention_sweep"]},
        }
    },
    "purposes": {"contract": {"title": "Contract", "basis": "contract"}},
}


def small_policy(text: str) -> LoadedPolicy:
    """Load a policy of these lines; a section that they do not have is filled in."""
    return parse_policy(small_text(text), "small.yaml")


def small_text(text: str) -> str:
    """The whole file of a policy of these lines.

    A cluster needs no title and purpose, and a cluster without rule is undecided.
    """
    given = yaml.load(dedent(text), Loader=_LOADER)  # noqa: S506 - safe, and in C
    ruled = {rule.get("cluster") for rule in given.get("rules", {}).values()}
    for name, cluster in given.get("clusters", {}).items():
        cluster.setdefault("title", name)
        cluster.setdefault("purpose", "contract")
        if name not in ruled:
            cluster.setdefault("undecided", "the test is about something else")
    for subject in given.get("subjects", {}).values():
        subject.setdefault("title", "people")
    for rule in given.get("rules", {}).values():
        rule.setdefault("clause", "retention")
        rule.setdefault("title", "A rule")
        rule.setdefault("period", "P2Y")
        rule["starting_point"].setdefault("event", "an event")
    approvers = [{"user": "vera", "name": "Vera"}, {"user": "otto", "name": "Otto"}]
    given["guards"] = {"approvers": approvers, **(given.get("guards") or {})}
    head = {key: value for key, value in HEAD.items() if key not in given}
    return str(yaml.dump({**head, **given}, Dumper=_DUMPER, sort_keys=False))
