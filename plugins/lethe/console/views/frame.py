"""What every page begins with: the newest summary, words, zone, and what the address asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi.exceptions import HTTPException
from psycopg2 import extensions

from lethe.catalogue.site import Site
from lethe.console import pages
from lethe.console.listing import Asked
from lethe.console.other_answers import open_editions
from lethe.console.rendering import Paper, language_of
from lethe.console.warehouse import NoSummary, read_summary, reading
from lethe.evidence.initialise import read_warehouse
from lethe.guards.editions import read_editions
from lethe.guards.findings import read_findings
from lethe.reporting.summary import Summary
from lethe.reporting.words import wording


def read_moment(request: Request, site: Site) -> tuple[Summary, Paper]:
    """Read the newest summary, and take the words to write with.

    Raises  NoSummary if no report has been made yet
    """
    with reading(site) as connection:
        read_warehouse(connection)
        return read_summary(connection, site), paper_of(request, site)


def summary_or_none(connection: extensions.connection, site: Site) -> Summary | None:
    """Read the newest summary, if there is one."""
    try:
        return read_summary(connection, site)
    except NoSummary:
        return None


def others_of(
    connection: extensions.connection, site: Site, summary: Summary | None, p: Paper
) -> list[pages.Other]:
    """What waits beside sets: editions, keys by the newest report, and who came back."""
    policy = site.loaded.policy
    editions = open_editions(read_editions(connection), site.edition[0])
    due = sum(key.state == "due" for key in summary.keys) if summary else 0
    keys = due if policy.logs and due > policy.logs.keys_a_night else 0
    return pages.others(editions, keys, len(read_findings(connection, site.edition[0])), p)


def paper_of(request: Request, site: Site) -> Paper:
    """Take the words of the language that was asked for, in the policy's time zone."""
    return Paper(wording(language_of(request), "console"), zone_of(site))


def titles_of(site: Site) -> dict[str, Mapping[Any, str]]:
    """Name every rule as the policy does."""
    return {name: rule.title for name, rule in site.loaded.policy.rules.items()}


def zone_of(site: Site) -> str:
    """The time zone of the policy."""
    return site.loaded.policy.policy.time_zone


def asked_of(request: Request) -> Asked:
    """What the query parameters of a list ask for."""
    # The last value counts: the button of a header stands behind the hidden field.
    return Asked.of(dict(request.query_params))


def uuid_of(text: str) -> UUID:
    """An identifier out of an address; nothing is found under anything else."""
    try:
        return UUID(text)
    except ValueError:
        raise HTTPException(404) from None
