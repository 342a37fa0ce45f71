"""What goes into an evidence pack, read in one snapshot of the warehouse."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import rfc8785
from psycopg2 import extensions

from lethe.archive.heads import Head, read_heads
from lethe.archive.tiles import open_tree
from lethe.errors import PolicyError
from lethe.evidence.canonical import canonical_instant, canonical_row, commit_to
from lethe.evidence.disclosure import may_be_shown
from lethe.evidence.initialise import Warehouse
from lethe.evidence.seal import Seal, as_seal, hash_row, read_in_pages
from lethe.include import statement
from lethe.policy.digest import plain_policy
from lethe.policy.load import LoadedPolicy, parse_policy
from lethe.quality.history import read_reports

Period = Literal["day", "month"]
DECISIONS = ("plan_approved", "plan_rejected", "edition_approve", "edition_reject")
_MOST_REPORTS = 4000
Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Span:
    """A period of the policy's calendar, and the seals that a pack of it covers.

    seals     oldest and newest, both included; None if there is none
    before    the seal that they continue; None at the beginning of the ledger
    previous  payload of the ledger row of the pack before; None if there is none
    """

    kind: Period
    first: date
    last: date
    is_over: bool
    seals: tuple[int, int] | None
    before: Seal | None
    previous: Mapping[str, Any] | None

    @property
    def values(self) -> dict[str, Any]:
        """The seals and days as values of a statement."""
        first, last = self.seals or (0, self.before.seal_no if self.before else 0)
        return {
            "first_seal": first if self.seals else last + 1,
            "last_seal": last,
            "first": self.first,
            "last": self.last,
        }


def find_span(
    connection: extensions.connection,
    warehouse: Warehouse,
    zone: ZoneInfo,
    kind: Period,
    days: tuple[date, date],
    now: datetime,
) -> Span:
    """Find what a pack covers: it begins where the pack of the period before ended."""
    first, last = days
    ends = datetime.combine(last + timedelta(days=1), time.min, zone)
    values = {
        "begins": datetime.combine(first, time.min, zone),
        "ends": ends,
        "first": first,
        "last": last,
        "rehearsal": warehouse.rehearsal,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement("reporting/find_pack_seals"), values)
        oldest, newest, reached = cursor.fetchone() or (None, None, None)
        cursor.execute(statement("reporting/list_signed_packs"), {"kind": kind})
        signed = [payload for _, payload in cursor.fetchall()]
    earlier = [each for each in signed if each["last"] < first.isoformat()]
    previous = max(earlier, key=lambda each: each["last"], default=None)
    # A pack that was made twice was sent twice: go on from the one that reached less far.
    same = [each for each in earlier if previous and each["last"] == previous["last"]]
    starts = [int(each["seal_no"] or 0) + 1 for each in same]
    begin = min([*starts, *([] if oldest is None else [oldest])], default=None)
    end = max(filter(None, (newest, reached)), default=None)
    seals = None if begin is None or end is None or begin > end else (int(begin), int(end))
    wanted = seals[0] - 1 if seals else (end or 0)
    before = next(iter(list_seals(connection, wanted, wanted)), None)
    return Span(kind, first, last, ends <= now, seals, before, previous)


def list_seals(connection: extensions.connection, first: int, last: int) -> list[Seal]:
    """Read some seals."""
    with connection.cursor() as cursor:
        cursor.execute(
            statement("reporting/list_pack_seals"), {"first_seal": first, "last_seal": last}
        )
        return [as_seal(row) for row in cursor.fetchall()]


def seal_lines(seals: Sequence[Seal]) -> Iterator[Line]:
    """Seals as the pack tells them: what their hash is over, and the hash."""
    for seal in seals:
        yield {
            "seal_no": seal.seal_no,
            "leaf_count": seal.leaf_count,
            "first_id": seal.first_id,
            "last_id": seal.last_id,
            "merkle_root": seal.merkle_root.hex(),
            "previous_hash": seal.previous_hash.hex(),
            "sealed_at": canonical_instant(seal.sealed_at),
            "seal_hash": seal.seal_hash.hex(),
        }


@dataclass(slots=True)
class LedgerLines:
    """The ledger under some seals: rows about acts as they are, all others as commitments.

    heads     of the archive that its rows tell
    closings  run → payload of the last row that closed it
    """

    connection: extensions.connection
    span: Span
    hidden: int = 0
    heads: list[int] = field(default_factory=list)
    closings: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Line]:
        for number, leaf, *row in read_in_pages(
            self.connection, "reporting/read_pack_rows", self.span.values
        ):
            yield self._line(int(number), leaf, tuple(row))

    def _line(self, seal_no: int, leaf: bytes | None, row: tuple[Any, ...]) -> Line:
        line: Line = {"seal": seal_no, "id": row[0]}
        if leaf is None:
            kind, token, payload = row[4], row[5], json.loads(row[7])
            if may_be_shown(kind, token, payload):
                if kind == "archive_appended":
                    self.heads.append(int(payload["head_no"]))
                if kind == "sweep_closed" and row[2] is not None:
                    self.closings[str(row[2])] = payload
                return {**line, "row": canonical_row(row).decode()}
            commitment, leaf = commit_to(row), hash_row(row)
        else:
            commitment = None if row[5] is None else bytes(row[5])
        self.hidden += 1
        if commitment is None:  # written before rows were blinded
            return {**line, "leaf": bytes(leaf).hex()}
        _, batch, run_id, at, kind = row[:5]
        return {
            **line,
            "at": canonical_instant(at),
            "batch": batch,
            "run_id": run_id,
            "kind": kind,
            "commitment": commitment.hex(),
        }


def run_lines(connection: extensions.connection, span: Span) -> list[Line]:
    """The runs of the period, of any duty."""
    names = (
        "run_id kind name policy_digest policy_name policy_version as_of requested_by started_at "
        "finished_at state seal_no"
    )
    return _lines(connection, "list_pack_runs", names, span.values)


def plan_lines(connection: extensions.connection, runs: Sequence[str]) -> list[Line]:
    """What the runs planned, with the digest of each set."""
    names = (
        "run_id rule subject_kind cluster clause state planned counts oldest_on newest_on usual "
        "over_limit flags digest"
    )
    return _lines(connection, "list_pack_plans", names, {"runs": list(runs)})


def table_lines(connection: extensions.connection, runs: Sequence[str]) -> list[Line]:
    """Rows by table: planned and locked before, deleted and changed after."""
    names = "run_id rule table planned locked deleted changed"
    return _lines(connection, "list_pack_tables", names, {"runs": list(runs)})


def approval_lines(
    connection: extensions.connection, span: Span, runs: Sequence[str]
) -> list[Line]:
    """Decisions, each with the ledger row that its transaction wrote; reasons are free text."""
    names = (
        "approval_id kind run_id rule digest policy_digest decision decided_by decided_role "
        "decided_at row seal"
    )
    values = {**span.values, "runs": list(runs), "kinds": list(DECISIONS)}
    return _lines(connection, "list_pack_approvals", names, values)


def policy_lines(
    connection: extensions.connection, loaded: LoadedPolicy, named: Mapping[str, tuple[str, str]]
) -> tuple[list[Line], dict[str, bytes]]:
    """The editions that ruled, and their texts: as written, and in canonical form.

    The SHA-256 of the canonical form is the digest that plans and approvals name.

    named  digest → name and version, of runs and approvals
    """
    names = "digest name version effective_from first_seen_at announced_on source"
    own = loaded.policy.policy
    wanted = {**named, loaded.digest: (own.name, own.version)}
    lines = _lines(connection, "list_pack_editions", names, {"digests": sorted(wanted)})
    for digest in sorted(wanted.keys() - {line["digest"] for line in lines}):
        line = dict.fromkeys(names.split()) | {"digest": digest}
        line["name"], line["version"] = wanted[digest]
        if digest == loaded.digest:
            line["effective_from"] = _plain(own.effective_from)
            line["announced_on"] = _plain(own.announced_on)
        lines.append(line)
    files: dict[str, bytes] = {}
    for line in lines:
        source = line.pop("source")
        canonical = _canonical(line["digest"], source, loaded)
        line["canonical"] = canonical is not None
        if canonical is not None:
            files[f"policy/{line['digest']}.json"] = canonical
        if source is not None:
            files[f"policy/{line['digest']}.yaml"] = source.encode()
    return lines, files


def _canonical(digest: str, source: str | None, loaded: LoadedPolicy) -> bytes | None:
    """The canonical form of an edition; None where this Lethe reads it otherwise than then."""
    if digest == loaded.digest:
        return rfc8785.dumps(plain_policy(loaded.policy))
    try:
        old = parse_policy(source or "")
    except PolicyError:
        return None
    return rfc8785.dumps(plain_policy(old.policy)) if old.digest == digest else None


def head_lines(
    connection: extensions.connection, warehouse_id: UUID, told: Sequence[int], ends: datetime
) -> tuple[list[Line], Head | None]:
    """Signed heads of the archive from the one before the period to its last.

    told    heads that ledger rows of the period tell
    Returns  with the last one; each has its proof that it is a beginning of that one
    """
    heads = read_heads(connection)
    known = [head for head in heads if head.signed_at < ends]
    chosen = [head for head in heads if min(told) - 1 <= head.head_no <= max(told)] if told else []
    chosen = chosen or known[-1:]
    if not chosen:
        return [], None
    last = chosen[-1]
    tree = open_tree(connection, last.tree_size)
    lines = [
        {
            "message": head.message(warehouse_id).decode(),
            "signature": head.signature.hex(),
            "consistency": [
                node.hex() for node in tree.prove_consistency(head.tree_size, last.tree_size)
            ],
        }
        for head in chosen
    ]
    return lines, last


def quality_lines(policy: str, first: date, last: date) -> Iterator[Line]:
    """What data quality counted, of each day the last run: counts and states, no value."""
    newest: dict[str, Mapping[str, Any]] = {}
    for report in read_reports(_MOST_REPORTS):
        day = str(report.get("as_of", ""))
        if report.get("policy") == policy and first.isoformat() <= day <= last.isoformat():
            newest.setdefault(day, report)
    names = ("expectation", "clause", "severity", "state", "rows", "concerned", "failing")
    for day in sorted(newest):
        for each in newest[day].get("expectations", ()):
            yield {"as_of": day, **{name: each.get(name) for name in names}}


def _lines(
    connection: extensions.connection, name: str, names: str, values: Mapping[str, Any]
) -> list[Line]:
    with connection.cursor() as cursor:
        cursor.execute(statement(f"reporting/{name}"), dict(values))
        return [
            {key: _plain(value) for key, value in zip(names.split(), row, strict=True)}
            for row in cursor.fetchall()
        ]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return canonical_instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, (bool, int, str, dict, list)):
        return value
    return str(value)
