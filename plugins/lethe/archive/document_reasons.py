"""What becomes of a document, as SQL: pure, from policy and catalogue."""

from __future__ import annotations

from psycopg2 import sql

from lethe.archive.returned import is_back
from lethe.catalogue.conditions import Context
from lethe.catalogue.fragments import column
from lethe.catalogue.graph import Kind
from lethe.guards.bound import bound_digest, bound_text, document_day
from lethe.policy.model.archive import Archive, Document


def document_reason(
    context: Context, archive: Archive, kind: Kind, document: Document, *, has_key: bool
) -> sql.Composable:
    """What becomes of a document; NULL: it is archived.

    What an erasure blanked is no correction; what was archived after it, of somebody who came back,
    is corrected as any other document.
    """
    text = (
        "CASE WHEN a.ended_on IS NOT NULL THEN 'past its period'"
        " WHEN a.key IS NOT NULL AND {erased_since} AND o.owner = {whose} THEN 'account erased'"
        " WHEN a.key IS NOT NULL AND a.bound_digest = {digest} AND o.owner = {whose}"
        " THEN 'unchanged'"
        # Where no foreign key held his row, the erasure left nobody whose the document could be.
        " WHEN a.key IS NOT NULL AND o.owner IS NULL AND EXISTS ("
        "SELECT FROM lethe.archive_record AS r JOIN lethe.archive_frozen AS z"
        " USING (subject_kind, subject_key) WHERE r.leaf_no = a.leaf_no AND {others_erased_since})"
        " THEN 'account erased'"
        " WHEN a.key IS NOT NULL AND a.bound_digest = {digest} AND o.owner IS NULL"
        " THEN 'customer lost'"
        # What the erasure of another customer blanked is no correction.
        " WHEN a.key IS NOT NULL AND EXISTS (SELECT FROM lethe.archive_record AS r"
        " LEFT JOIN lethe.archive_frozen AS z"
        " ON z.subject_kind = r.subject_kind AND z.subject_key = r.subject_key"
        " WHERE r.leaf_no = a.leaf_no AND (r.subject_kind <> {kind}"
        " OR r.subject_key <> o.owner) AND ({others_erased_since}"
        " OR a.bound_digest <> {digest} AND NOT {back} AND EXISTS (SELECT FROM lethe.skeleton AS b"
        " WHERE b.subject_kind = {kind} AND b.key = o.owner))) THEN 'account erased'"
        " WHEN o.owner IS NULL THEN 'refused: no customer'"
        " WHEN {day} IS NULL THEN 'refused: no date'"
        " WHEN {day} < {first}::date OR {day} > {last}::date"
        " THEN 'refused: implausible date'"
        " WHEN btrim(coalesce({number}::text, '')) = '' THEN 'refused: no number'{same} END"
    )
    whose = "(SELECT r.subject_key FROM lethe.archive_record AS r WHERE r.leaf_no = a.leaf_no)"
    twice = " WHEN d.\"lethe.same\" > 1 THEN 'refused: number used twice'"
    plausible = archive.starting_point.plausible
    return sql.SQL(text).format(
        digest=bound_digest(bound_text(context, kind, document, "d")),
        whose=sql.SQL(whose),
        kind=context.values.bind(kind.name),
        day=document_day(context, document, "d"),
        first=context.values.bind(plausible.from_),
        last=context.values.bind(plausible.to),
        number=column("d", document.number),
        same=sql.SQL("" if has_key else twice),
        back=is_back(context, kind, [column("o", f"k{i}") for i in range(len(kind.key))]),
        erased_since=erased_since("f"),
        others_erased_since=erased_since("z"),
    )


def erased_since(frozen: str) -> sql.Composed:
    """The newest version of a document `a` was archived before the erasure that froze a clock.

    The first night after an erasure seals its clock before it archives anything: leaves before that
    one are older.
    """
    return sql.SQL(
        "({0}.subject_key IS NOT NULL AND ({0}.sealed_no IS NULL OR a.leaf_no < {0}.sealed_no))"
    ).format(sql.Identifier(frozen))
