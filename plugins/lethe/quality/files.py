"""Suites as files: one a cluster, readable, and new only when something changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from psycopg2 import sql

from lethe.policy.model import Policy
from lethe.quality.expectations import Derivation
from lethe.quality.history import quality_folder


def suite_documents(policy: Policy, derivation: Derivation) -> dict[str, dict[str, Any]]:
    """Suite → what its file holds."""
    documents: dict[str, dict[str, Any]] = {}
    for suite in derivation.suites:
        cluster = policy.clusters.get(suite)
        scans: dict[str, Any] = {}
        for scan in derivation.scans:
            if scan.suite == suite:
                scans[scan.name] = {
                    "expectations": {each.key: each.as_document() for each in scan.expectations}
                }
        documents[suite] = {
            "suite": suite,
            "title": dict(cluster.title) if cluster is not None else {"en": suite},
            "policy": policy.policy.name,
            "version": policy.policy.version,
            "scans": scans,
            "not_asked": {
                absent.key: f"{absent.state}: {absent.because}"
                for absent in derivation.absent
                if absent.suite == suite
            },
        }
    return documents


def write_suites(policy: Policy, derivation: Derivation, folder: Path | None = None) -> list[Path]:
    """Write every suite under its edition; a file that says the same is left alone."""
    place = folder or quality_folder() / "suites" / policy.policy.version.replace("/", "-")
    place.mkdir(parents=True, exist_ok=True)
    written = []
    for suite, document in suite_documents(policy, derivation).items():
        text = yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=100)
        path = place / f"{suite}.yaml"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def readable(connection: Any, composed: sql.Composable, values: dict[str, object]) -> str:
    """A statement with its values in place, for people to run themselves."""
    with connection.cursor() as cursor:
        return str(cursor.mogrify(composed, values).decode())
