"""Of the report: holds, changes, archive head and seal in full, signatures, glossary."""

from __future__ import annotations

from lethe.reporting.mail.data_sections import said_by
from lethe.reporting.papers.blocks import (
    Block,
    Cell,
    Column,
    Facts,
    Heading,
    Line,
    Paragraph,
    Section,
    Signature,
    Span,
    Table,
)
from lethe.reporting.summary import ArchiveHead, Change, Summary
from lethe.reporting.words import Wording, choose, say_reason, wording

_MOST_CHANGES = 200
_GLOSSARY = (
    "subject",
    "rule",
    "due",
    "overdue",
    "hold",
    "restriction",
    "ledger",
    "archive",
    "digest",
    "pseudonym",
    "canary",
)


def holds(summary: Summary, words: Wording) -> Section:
    """Holds and restrictions in force, without their subjects."""
    title = words.say("section.holds")
    if not summary.holds:
        return Section("holds", title, [Paragraph(words.say("holds.none"))])
    columns = [
        Column(words.say("holds.kind"), 2),
        Column(words.say("holds.subjects"), 2),
        Column(words.say("holds.reason"), 2),
        Column(words.say("holds.owner"), 2),
        Column(words.say("holds.count"), 1, is_number=True),
        Column(words.say("holds.review"), 2),
    ]
    rows: list[tuple[Cell, ...]] = []
    for hold in summary.holds:
        review: list[Line] = [words.day(hold.review_on, "medium")]
        if hold.is_late:
            review.append(Span(words.say("holds.late"), "mark", "bad"))
        rows.append(
            (
                words.code("hold", hold.kind),
                choose(hold.subjects, words.language) or Span(hold.subject_kind, "code"),
                choose(hold.title, words.language) or Span(hold.reason, "code"),
                hold.owner,
                words.number(hold.count),
                review,
            )
        )
    return Section("holds", title, [Table(columns, rows)])


def changes(summary: Summary, words: Wording) -> Section:
    """What was changed, approved or looked at, newest last."""
    title = words.say("section.changes")
    if not summary.changes:
        return Section("changes", title, [Paragraph(words.say("changes.none"))])
    blocks: list[Block] = []
    for key, found in (
        ("people", [each for each in summary.changes if each.by]),
        ("recorded", [each for each in summary.changes if not each.by]),
    ):
        if found:
            blocks.append(Heading(words.say(f"changes.{key}")))
            blocks += _changes(found, summary.edition.time_zone, words)
    return Section("changes", title, blocks)


def _changes(found: list[Change], zone: str, words: Wording) -> list[Block]:
    told = wording(words.language, "report")
    columns = [
        Column(words.say("changes.at"), 2),
        Column(words.say("changes.kind"), 3.2),
        Column(words.say("changes.what"), 2.4),
        Column(words.say("changes.by"), 1.8),
        Column(words.say("changes.count"), 1, is_number=True),
    ]
    rows: list[tuple[Cell, ...]] = [
        (
            words.instant(change.at, zone, "medium"),
            _say_change(change, words),
            choose(change.title, words.language) or Span(change.what, "code"),
            said_by(change, told) if change.by else words.say("unit.dash"),
            words.number(change.count),
        )
        for change in found[:_MOST_CHANGES]
    ]
    blocks: list[Block] = [Table(columns, rows)]
    more = len(found) - len(rows)
    if more > 0:
        blocks.append(Paragraph(words.count("changes.more", more)))
    return blocks


def _say_change(change: Change, words: Wording) -> Cell:
    told = wording(words.language, "report")
    key = f"change.{change.kind}.{change.action}"
    means = f"change_means.{change.kind}.{change.action}"
    if told.has(key):
        said: list[Line] = [told.say(key)]
        return [*said, Span(told.say(means), "quiet")] if told.has(means) else said
    return [words.code("change", change.kind), Span(change.action.replace("_", " "), "quiet")]


def heads(summary: Summary, words: Wording) -> Section:
    """The archive's head and the ledger's seal in full: whoever keeps the paper is a witness."""
    blocks: list[Block] = [Paragraph(words.say("proof.intro"))]
    blocks.append(Heading(words.say("proof.archive")))
    if summary.archive:
        blocks.append(Facts(_archive(summary.archive, summary.edition.time_zone, words)))
    else:
        blocks.append(Paragraph(words.say("proof.no_archive")))
    blocks.append(Heading(words.say("proof.seal")))
    if summary.seal:
        blocks.append(Facts(_seal(summary, words)))
    else:
        blocks.append(Paragraph(words.say("proof.no_seal")))
    return Section("proof", words.say("section.proof"), blocks, is_apart=True)


def _archive(head: ArchiveHead, zone: str, words: Wording) -> list[tuple[str, Cell]]:
    verified = words.say("proof.verified.never")
    if head.verified_at and head.is_verified is not None:
        answer = "yes" if head.is_verified else "no"
        at = words.instant(head.verified_at, zone)
        verified = words.say(f"proof.verified.{answer}", at=at)
    tone = "bad" if head.is_verified is False else "plain"
    records = words.say(
        "proof.records.value",
        records=words.number(head.records),
        added=words.number(head.added),
        destroyed=words.number(head.destroyed),
    )
    known: list[tuple[str, Cell | None]] = [
        ("head_no", words.number(head.head_no)),
        ("tree_size", words.number(head.tree_size)),
        ("root", Span(head.root, "code")),
        ("signed", words.instant(head.signed_at, zone)),
        ("public_key", Span(head.public_key, "code")),
        ("records", records),
        ("refused", _listed(head.refused, words)),
        ("beyond", _listed(head.beyond, words)),
        ("verified", Span(verified, "strong", tone)),  # type: ignore[arg-type]
        ("line", Span(head.line, "code") if head.line else None),
    ]
    return [(words.say(f"proof.{name}"), value) for name, value in known if value]


def _seal(summary: Summary, words: Wording) -> list[tuple[str, Cell]]:
    seal = summary.seal
    if seal is None:
        return []
    known: list[tuple[str, Cell | None]] = [
        ("seal_no", words.number(seal.seal_no)),
        ("seal_hash", Span(seal.seal_hash, "code")),
        ("merkle_root", Span(seal.merkle_root, "code")),
        ("sealed", words.instant(seal.sealed_at, summary.edition.time_zone)),
        ("rows", words.number(seal.rows)),
        ("line", Span(seal.line, "code") if seal.line else None),
        ("signer", Span(summary.signer, "code") if summary.signer else None),
        ("warehouse", Span(summary.warehouse_id, "code") if summary.warehouse_id else None),
    ]
    return [(words.say(f"proof.{name}"), value) for name, value in known if value]


def _listed(counts: object, words: Wording) -> list[Line]:
    found = dict(counts) if isinstance(counts, dict) else {}
    return [
        words.say("pair", name=say_reason(why, words), value=words.number(n))
        for why, n in found.items()
    ]


def signatures(summary: Summary, words: Wording, period: str) -> Section:
    """Room for the two who answer for the report."""
    labels = [words.say(f"signatures.{name}") for name in ("name", "place", "signature")]
    blocks: list[Block] = [
        Paragraph(words.say("signatures.intro", period=period)),
        Signature(words.say("signatures.dpo"), words.say("signatures.dpo.says"), labels),
        Signature(
            words.say("signatures.controller", controller=summary.edition.controller),
            words.say("signatures.controller.says"),
            labels,
        ),
    ]
    if summary.seal:
        named = (words.say("signatures.digest"), Span(summary.seal.seal_hash, "code"))
        blocks.append(Facts([named]))
    return Section("signatures", words.say("section.signatures"), blocks, is_apart=True)


def glossary(words: Wording) -> Section:
    """The words that a reader may not know."""
    pairs = [
        (words.say(f"glossary.{term}"), words.say(f"glossary.{term}.text")) for term in _GLOSSARY
    ]
    return Section("glossary", words.say("section.glossary"), [Facts(pairs)])
