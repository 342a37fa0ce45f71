"""Open the archive with the offline recovery key, when the key ring is lost."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from psycopg2 import extensions

from lethe.archive.opening import acting
from lethe.archive.reading import Opened
from lethe.archive.records import read_record
from lethe.archive.show import log_access, require_archivist, require_reason
from lethe.archive.tiles import open_tree
from lethe.catalogue.site import Site
from lethe.errors import ActError, AnswerIsNo
from lethe.evidence.initialise import read_warehouse
from lethe.include import statement
from lethe.keys.record_sealing import join_columns, open_with, recover_data_key, recovery_id

_PAGE = 500


@dataclass(slots=True)
class Recovered:
    """What the offline key opened.

    without  records that were not wrapped for this key: none was named then, or another one
    """

    records: int = 0
    without: int = 0


def recover_records(site: Site, private: X25519PrivateKey, output: Path, reason: str) -> Recovered:
    """Write every living record in the clear, a JSON document a line, readable by its owner only.

    Raises  AnswerIsNo if the key opens nothing, ActError if a record is not what its leaf says
    """
    require_reason(reason)
    found = Recovered()
    with acting(site, "opening the archive with the recovery key", "archivist") as connection:
        require_archivist(connection)
        warehouse = read_warehouse(connection).warehouse_id.bytes
        connection.rollback()
        log_access(site, connection, "archive_recovered", reason, {})
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        require_archivist(connection)
        part = output.with_name(output.name + ".part")
        try:
            handle = os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                for opened in _open(connection, private, warehouse, found):
                    line = {"leaf_no": opened.leaf_no, "record": opened.record}
                    file.write(json.dumps(line, ensure_ascii=False) + "\n")
            part.replace(output)
        except OSError as error:
            raise ActError(f"{output}: cannot be written ({error.strerror})") from None
        finally:
            part.unlink(missing_ok=True)
        connection.rollback()
    if not found.records:
        raise AnswerIsNo(
            f"this key opens none of the {found.without} records: they were wrapped for another "
            "recovery key, or for none"
        )
    return found


def _open(
    connection: extensions.connection, private: X25519PrivateKey, warehouse: bytes, found: Recovered
) -> Iterator[Opened]:
    own = recovery_id(private.public_key())
    with connection.cursor() as cursor:
        cursor.execute(statement("archive/read_size"))
        (size,) = cursor.fetchone() or (0,)
    tree = open_tree(connection, size)
    for number, ephemeral, named, sealed, recovery, *columns in _pages(connection):
        if named is None or recovery is None or bytes(named) != own:
            found.without += 1
            continue
        texts = join_columns([None if each is None else str(each).encode() for each in columns])
        leaf = tree.leaf(number)
        try:
            key = recover_data_key(
                private, bytes(ephemeral), warehouse, number, leaf, bytes(recovery)
            )
            salt, data = open_with(
                key, warehouse, number, leaf, bytes(sealed), bytes(recovery), texts
            )
            yield Opened(number, salt, data, read_record(data))
        except (InvalidTag, ValueError):
            raise ActError(
                f"record {number} does not open as what its leaf says; it was changed"
            ) from None
        found.records += 1


def _pages(connection: extensions.connection) -> Iterator[tuple[Any, ...]]:
    after = -1
    while True:
        with connection.cursor() as cursor:
            cursor.execute(statement("archive/read_recovery"), {"after": after, "size": _PAGE})
            rows = cursor.fetchall()
        if not rows:
            return
        yield from rows
        after = rows[-1][0]
