"""Tasks of the invoice archive."""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import get_current_context, task

from lethe.tasks.assets import ARCHIVED
from lethe.tasks.ground import begin_run, plain, the_site, told

log = logging.getLogger(__name__)


@task
def begin_archive() -> str:
    """Begin a night of the archive: compare with the witness, seal the clocks of erased accounts.

    Returns  the id of the run
    """
    from lethe.archive.night import begin_night

    return begin_run(begin_night)


@task
def list_documents(_night: str) -> list[str]:
    """Name the kinds of documents that the policy archives."""
    from lethe.archive.night import documents_of

    with told():
        return documents_of(the_site())


@task(map_index_template="{{ document }}")
def archive_documents(night: str, document: str) -> dict[str, Any]:
    """Archive what is new or corrected of one kind of document.

    Returns  counts by outcome
    """
    from uuid import UUID

    from lethe.archive.night import capture_documents

    get_current_context()["document"] = document  # type: ignore[typeddict-unknown-key]
    with told():
        return plain(capture_documents(the_site(), UUID(night), document))


@task
def expire_archive(night: str) -> list[dict[str, Any]]:
    """Destroy what has come to its end, as far as the guards allow.

    Returns  counts by kind of subject
    """
    from uuid import UUID

    from lethe.archive.night import expire_records

    with told():
        expired = expire_records(the_site(), UUID(night))
    for each in expired:
        if each.over_limit:
            log.warning("Expiry %s is %s: %s", each.rule, each.state, each.over_limit)
    return [plain(each) | {"digest": each.digest.hex()} for each in expired]


@task(outlets=[ARCHIVED])
def close_archive(night: str, captured: Any, expired: Any) -> dict[str, Any]:
    """Open a sample, assert the sums, write the summary, seal the evidence.

    Returns  the summary of the night, counts only
    """
    from collections import Counter
    from uuid import UUID

    from lethe.archive.capture import Captured
    from lethe.archive.expired import Expired
    from lethe.archive.night import close_night, try_sample

    with told():
        site = the_site()
        documents = [
            Captured(**each | {name: Counter(each[name]) for name in ("outcomes", "notes")})
            for each in captured
        ]
        ends = [
            Expired(
                **each
                | {"digest": bytes.fromhex(each["digest"]), "skipped": Counter(each["skipped"])}
            )
            for each in expired
        ]
        run = close_night(site, UUID(night), documents, ends, try_sample(site))
    return dict(run.summary)
