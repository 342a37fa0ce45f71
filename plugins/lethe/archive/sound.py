"""The last look before a record is destroyed: it opens as what was sealed, and so does its clock.

Expiry judges by columns in the clear. They are bound to the ciphertext: a day, a country or a
subject that was changed does not open the record, and what does not open is not destroyed.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg2 import extensions

from lethe.archive.appending import ArchiveKeys
from lethe.archive.verify_beside import is_said, open_sound
from lethe.include import statement

CHANGED = "refused: not what was sealed"
UNSEALED = "clock not sealed yet"


def find_unsound(
    connection: extensions.connection, keys: ArchiveKeys, leaves: Sequence[int]
) -> dict[int, str]:
    """Of records that are to be destroyed, those that must stay, and why."""
    opened = {each.leaf_no for each in open_sound(connection, keys, leaves)}
    odd = {leaf: CHANGED for leaf in leaves if leaf not in opened}
    with connection.cursor() as cursor:
        cursor.execute(statement("archive/find_clocks_of"), {"leaves": list(leaves)})
        rows = cursor.fetchall()
    sealed = sorted({int(row[1]) for row in rows if row[1] is not None})
    clocks = {each.leaf_no: each for each in open_sound(connection, keys, sealed)}
    for leaf, number, *clock in rows:
        if number is None:
            odd.setdefault(leaf, UNSEALED)
        elif number not in clocks or not is_said(clocks[number], tuple(clock)):
            odd[leaf] = CHANGED
    return odd
