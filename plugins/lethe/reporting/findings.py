"""What the checks found, told as it was found: 'X received no recent rows', never 'recent: X'."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from lethe.policy.labels import label
from lethe.policy.model import Policy
from lethe.policy.model.archive import Expectation
from lethe.quality.expectations import rows_command
from lethe.reporting.place import as_words, place
from lethe.reporting.said import counted, listed, said
from lethe.reporting.summary import Finding, Words
from lethe.reporting.words import wording

_NAMES = re.compile(r", but not (.+)$")
_WITHOUT_ROWS = frozenset({"automatic", "classified", "freshness", "volume"})
"""Kinds that are about a table or the policy as a whole: there is no list of rows."""
_NAMED = frozenset({"overdue", "dates", "archive", "freshness"})
"""Kinds whose words name a rule, a kind of document or a period of the policy."""
_ADVICE = {
    "card": "content",
    "iban": "content",
    "critical": "protect",
    "password": "protect",
    "email": "plausible",
    "country": "plausible",
    "vat": "plausible",
    "withdrawal": "consent",
    "told": "disclosure",
    "processors": "disclosure",
    "orphans": "links",
    "parts": "links",
    "volume": "freshness",
}
"""Kinds that ask the same of people; every other kind has an advice of its own."""


def find_findings(policy: Policy, checks: Iterable[Mapping[str, Any]]) -> tuple[Finding, ...]:
    """Tell of each check that failed or could not be made what was found, the urgent first.

    checks  documents of a quality report
    """
    found = [_finding(policy, each) for each in checks]
    return tuple(sorted(found, key=lambda each: (not each.is_urgent, each.is_asked, each.key)))


def has_rows(finding: Finding) -> bool:
    """Whether `lethe quality rows` can list what is wrong."""
    return finding.is_asked and finding.key.partition(".")[0] not in _WITHOUT_ROWS


def say_command(finding: Finding) -> str:
    """The call that lists the rows of a finding, as a shell takes it."""
    return rows_command(finding.key)


def _finding(policy: Policy, each: Mapping[str, Any]) -> Finding:
    kind, is_asked = each["kind"], each["state"] == "failed"
    words = _found(policy, each) if is_asked else _not_asked(policy, each)
    advice = _ADVICE.get(kind, kind) if is_asked else "not_asked"
    if not wording("en", "report").has(f"advice.{advice}"):
        advice = "other"
    owner = each["owner"] or policy.quality.owner
    return Finding(
        key=each["expectation"],
        found=words,
        advice=said(f"advice.{advice}"),
        clause=each["clause"],
        owner=label(policy, owner) if owner else None,
        is_urgent=each["severity"] == "critical",
        is_asked=is_asked,
        failing=int(each["failing"]),
        concerned=int(each["concerned"]),
        because=each["because"],
    )


def _not_asked(policy: Policy, each: Mapping[str, Any]) -> Words:
    kind, what = each["kind"], _what(each)
    if kind == "extra":
        return said("finding.not_asked", title=_own_title(policy, each))
    where: Words | str = place(policy, what) if what else said("place.warehouse")
    return said("finding.not_asked", title=said(f"check.{kind}", where=where))


def _what(each: Mapping[str, Any]) -> str:
    """What a check is about: its key without its kind."""
    return str(each["expectation"]).partition(".")[2].removesuffix(".unread")


def _found(policy: Policy, each: Mapping[str, Any]) -> Words:
    message, values = _message(policy, each)
    if not wording("en", "report").has(f"finding.{message}"):
        message, values = "other", {"title": str(each["title"])}
    number = int(each["failing"])
    allowed = 1 - float(each["mostly"])
    some = {"of": int(each["concerned"]), "limit": allowed, "where": place(policy, _what(each))}
    return counted(f"finding.{message}", number, **{**some, **values})


def _message(policy: Policy, each: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Which message tells it, and what its places are filled with."""
    kind, what, key = each["kind"], _what(each), str(each["expectation"])
    first, _, last = what.rpartition(".")
    if kind == "extra":
        return _of_policy(policy, each)
    if key.startswith("series."):
        return "series", {}
    if kind in ("overdue", "dates") and what in policy.rules:
        rule = policy.rules[what]
        subjects = policy.subjects[policy.clusters[rule.cluster].subject].title
        return kind, {"rule": as_words(rule.title), "subjects": as_words(subjects)}
    if kind == "minors" and first in policy.age_limits:
        limit = policy.age_limits[first]
        age = limit.erase_under if last == "use" else limit.report_under
        title = as_words(policy.subjects[limit.subject].title)
        return f"minors_{last}", {"age": age or 0, "subjects": title}
    if kind == "disclosure" and last in ("ground", "recipient"):
        return f"disclosure_{last}", {}
    if kind == "processors":
        return _of_processor(policy, what)
    if kind == "archive" and policy.archive and what in policy.archive.documents:
        return kind, {"document": as_words(policy.archive.documents[what].title)}
    if kind == "freshness" and what in policy.quality.freshness:
        return kind, {"period": policy.quality.freshness[what]}
    if kind in _NAMED:
        # The run knew what this policy no longer names.
        return "other", {"title": str(each["title"])}
    if kind == "parts" and what in policy.clusters:
        return "parts_rules", {}
    if kind == "classified":
        names = _NAMES.search(each["title"])
        return (kind, {"names": names[1]}) if names else ("classified_table", {})
    return kind, {}


def _of_processor(policy: Policy, what: str) -> tuple[str, dict[str, Any]]:
    if what not in policy.processors:
        return "processor_told", {}
    clusters = [
        as_words(cluster.title)
        for cluster in policy.clusters.values()
        if what in cluster.recipients
    ]
    return "processors", {"name": policy.processors[what].name, "clusters": listed(clusters)}


def _of_policy(policy: Policy, each: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """A check that the policy file adds: its title is the author's, the rest is ours."""
    written = _written(policy, each)
    values: dict[str, Any] = {"title": _own_title(policy, each)}
    if written is None:
        return "extra", values
    values["where"] = place(policy, str(written.table))
    if written.expect == "fresh":
        return "extra_fresh", values | {"period": written.within}
    return ("extra_count" if written.expect == "row_count" else "extra"), values


def _written(policy: Policy, each: Mapping[str, Any]) -> Expectation | None:
    return policy.quality.extra.get(str(each["expectation"]))


def _own_title(policy: Policy, each: Mapping[str, Any]) -> Words | str:
    written = _written(policy, each)
    if written is not None and written.title:
        return as_words(written.title)
    return str(each["expectation"]).replace("-", " ")
