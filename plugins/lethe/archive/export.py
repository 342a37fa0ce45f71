"""A portable copy: records in the clear, their proofs, heads, key and a verifier of its own."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import rfc8785
from psycopg2 import extensions

from lethe.archive.appending import ArchiveKeys, read_keys
from lethe.archive.heads import Head, read_heads
from lethe.archive.opening import acting
from lethe.archive.reading import read_records
from lethe.archive.show import log_access, require_archivist, require_reason
from lethe.archive.tiles import TiledTree, open_tree
from lethe.catalogue.site import Site
from lethe.errors import ActError, AnswerIsNo, UsageError
from lethe.include import read_text, statement
from lethe.keys import KeyRing

_PAGE = 500


def export_archive(site: Site, output: Path, first: date, last: date, *, reason: str) -> int:
    """Write a bundle of the documents issued in a period; gives the number of records.

    Raises  AnswerIsNo if nothing was archived, ActError if the file cannot be written
    """
    require_reason(reason)
    if last < first:
        raise UsageError(f"no day lies from {first} to {last}")
    with acting(site, "exporting the archive", "archivist") as connection:
        connection.rollback()
        connection.set_session(isolation_level="REPEATABLE READ")
        require_archivist(connection)
        with connection.cursor() as cursor:
            cursor.execute(statement("archive/find_period"), {"first": first, "last": last})
            leaves = [int(row[0]) for row in cursor.fetchall()]
        heads = read_heads(connection)
        connection.rollback()
        if not heads:
            raise AnswerIsNo("nothing has been archived yet")
        period = {"from": first.isoformat(), "to": last.isoformat(), "records": len(leaves)}
        log_access(site, connection, "archive_exported", reason, period)
        require_archivist(connection)
        keys = read_keys(KeyRing.open(connection))
        bundle = _Bundle(connection, keys, heads, leaves, period)
        part = output.with_name(output.name + ".part")
        try:
            handle = os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
            with (
                os.fdopen(handle, "wb") as file,
                zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
            ):
                bundle.write(archive)
            part.replace(output)
        except OSError as error:
            raise ActError(f"{output}: cannot be written ({error.strerror})") from None
        connection.rollback()
    return len(leaves)


class _Bundle:
    def __init__(
        self,
        connection: extensions.connection,
        keys: ArchiveKeys,
        heads: Sequence[Head],
        leaves: Sequence[int],
        period: Mapping[str, Any],
    ) -> None:
        self._period = period
        self._connection = connection
        self._keys = keys
        self._heads = heads
        self._leaves = leaves
        self._tree: TiledTree = open_tree(connection, heads[-1].tree_size)

    def write(self, archive: zipfile.ZipFile) -> None:
        warehouse = self._keys.warehouse_id
        program = read_text("templates/verify.py")
        archive.writestr("verify.py", program)
        files = {
            name: _write_lines(archive, f"{name}.jsonl", lines)
            for name, lines in (("records", self._records()), ("destroyed", self._destroyed()))
        }
        last = self._heads[-1]
        # What is left out of a bundle is in no proof: so it is signed what is in it.
        contents = rfc8785.dumps(
            {
                "files": files,
                "format": "lethe-archive-bundle/1",
                "from": self._period["from"],
                "program": sha256(program.encode()).hexdigest(),
                "root": last.root.hex(),
                "to": self._period["to"],
                "tree_size": last.tree_size,
                "warehouse_id": str(warehouse),
            }
        )
        about = {
            "format": "lethe-archive-bundle/1",
            "warehouse_id": str(warehouse),
            "public_key": self._keys.signer.public_key.hex(),
            "heads": [self._head(head) for head in self._heads],
            "contents": contents.decode(),
            "signature": self._keys.signer.sign(contents).hex(),
        }
        archive.writestr("archive.json", json.dumps(about, indent=1))

    def _head(self, head: Head) -> dict[str, Any]:
        last = self._heads[-1]
        return {
            "message": head.message(self._keys.warehouse_id).decode(),
            "signature": head.signature.hex(),
            "consistency": _hex(self._tree.prove_consistency(head.tree_size, last.tree_size)),
        }

    def _records(self) -> Iterator[dict[str, Any]]:
        for at in range(0, len(self._leaves), _PAGE):
            page = self._leaves[at : at + _PAGE]
            for opened in read_records(self._connection, self._keys, leaves=page):
                yield {
                    "leaf_no": opened.leaf_no,
                    "salt": opened.salt.hex(),
                    "record": opened.data.decode(),
                    "inclusion": _hex(self._tree.prove_inclusion(opened.leaf_no)),
                }

    def _destroyed(self) -> Iterator[dict[str, Any]]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement("archive/list_destroyed"))
            for leaf_no, gone_no, text, signature in cursor.fetchall():
                yield {
                    "leaf_no": leaf_no,
                    "gone_no": gone_no,
                    "statement": text,
                    "signature": bytes(signature).hex(),
                    "inclusion": _hex(self._tree.prove_inclusion(leaf_no)),
                    "gone_inclusion": _hex(self._tree.prove_inclusion(gone_no)),
                }


def _write_lines(
    archive: zipfile.ZipFile, name: str, lines: Iterator[dict[str, Any]]
) -> dict[str, Any]:
    """Write a file of a bundle; gives what is signed of it."""
    count, digest = 0, sha256()
    with archive.open(name, "w") as file:
        for line in lines:
            data = json.dumps(line, ensure_ascii=False).encode() + b"\n"
            file.write(data)
            digest.update(data)
            count += 1
    return {"lines": count, "sha256": digest.hexdigest()}


def _hex(proof: Sequence[bytes]) -> list[str]:
    return [node.hex() for node in proof]
