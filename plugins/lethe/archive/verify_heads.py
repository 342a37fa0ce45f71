"""Verify heads: their chain and roots, and what ledger, witness and old mails tell of them."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from uuid import UUID

from psycopg2 import extensions

from lethe.archive.appending import ArchiveKeys
from lethe.archive.heads import BEGINNING, Head, ToldHead, last_head
from lethe.archive.old_mails import OldMails
from lethe.archive.tiles import TiledTree
from lethe.errors import TamperingFound
from lethe.include import statement


def verify_heads(
    heads: Sequence[Head], tree: TiledTree, keys: ArchiveKeys, fault: Callable[[str], None]
) -> None:
    """Heads are numbered, chained, signed, and give the roots of the tree."""
    previous, size = BEGINNING, 0
    for at, head in enumerate(heads, start=1):
        if head.head_no != at:
            fault(f"head {at}: missing" if head.head_no > at else f"head {at}: doubled")
            return
        if head.tree_size <= size:
            fault(f"head {at}: the tree did not grow")
        if head.previous_hash != previous:
            fault(f"head {at}: is not chained to the head before it")
        if head.public_key != keys.signer.public_key:
            fault(f"head {at}: was signed by another key than the archive's")
        if not head.is_signed(keys.warehouse_id):
            fault(f"head {at}: its signature is wrong")
        if root_of(tree, head.tree_size) != head.root:
            fault(f"head {at}: the leaves do not give its root")
        previous, size = head.hash(keys.warehouse_id), head.tree_size


def verify_told(
    connection: extensions.connection, heads: Sequence[Head], fault: Callable[[str], None]
) -> None:
    """The ledger tells every head, and no other."""
    with connection.cursor() as cursor:
        cursor.execute(statement("archive/list_told"))
        rows = cursor.fetchall()
    told: dict[int, tuple[int, str]] = {}
    for no, size, root in rows:
        if int(no) in told:
            fault(f"head {no}: the ledger tells it twice; the archive was rolled back in between")
        told[int(no)] = (int(size), root)
    for head in heads:
        if told.pop(head.head_no, None) != (head.tree_size, head.root.hex()):
            fault(f"head {head.head_no}: the ledger tells another one, or none")
    for number in sorted(told):
        fault(f"head {number}: the ledger tells it, and it is missing")


def require_told_head(connection: extensions.connection) -> None:
    """Refuse to append to an archive that is not as far as the ledger tells.

    Raises  TamperingFound
    """
    head = last_head(connection)
    with connection.cursor() as cursor:
        cursor.execute(statement("archive/read_told_head"))
        row = cursor.fetchone()
    told = (int(row[0]), str(row[1])) if row else (0, "")
    if told != ((head.head_no, head.root.hex()) if head else (0, "")):
        raise TamperingFound(
            f"archive: it ends with head {head.head_no if head else 0}, and the ledger tells head "
            f"{told[0]}, or another root: the archive's tables were rolled back or changed without "
            "the ledger; nothing is appended. Run `lethe archive verify`, and put the archive's "
            "tables or the whole warehouse back from a backup"
        )


def compare_heads(
    heads: Sequence[Head],
    told: Iterable[ToldHead],
    who: str,
    warehouse_id: UUID,
    fault: Callable[[str], None],
    lost: Container[ToldHead] = (),
) -> None:
    """The heads are those that somebody else tells.

    lost  what a restore lost, which is on record
    """
    known = {head.head_no: head for head in heads}
    for each in told:
        head = known.get(each.head_no)
        if each in lost:
            continue
        if each.warehouse_id != warehouse_id:
            fault(f"head {each.head_no}: {who} tells it of another warehouse")
        elif head is None:
            fault(
                f"head {each.head_no}: {who} tells it, and the archive has no such head: it "
                "was rolled back, or history was rewritten"
            )
        elif (head.tree_size, head.root, head.signature) != (
            each.tree_size,
            each.root,
            each.signature,
        ):
            fault(f"head {each.head_no}: is not the one that {who} tells")


def compare_mails(
    heads: Sequence[Head],
    mails: OldMails,
    warehouse_id: UUID,
    fault: Callable[[str], None],
    lost: Container[ToldHead] = (),
) -> None:
    """The heads are those of the old mails, as far as these can be read; what cannot is named."""
    compare_heads(heads, mails.heads, "an old mail", warehouse_id, fault, lost)
    for each in mails.unread:
        fault(f"old mails: {each}; it was not compared")


def root_of(tree: TiledTree, size: int) -> bytes | None:
    """The root of the tree at a size; None if tiles are missing."""
    try:
        return tree.range_root(0, size)
    except IndexError:
        return None
