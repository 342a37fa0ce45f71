"""Parquet files of a batch whose commit decides whether they count."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lethe.errors import ActError

if TYPE_CHECKING:
    import pyarrow as pa


class Staging:
    """Files wait in a folder of their batch, locked while its process lives, then are moved in."""

    def __init__(self, output: Path, source: str) -> None:
        self._output = output
        self._waiting = output / "_staged" / source
        self._locks: dict[str, int] = {}

    def settle(self, is_known: Callable[[str], bool]) -> None:
        """Move in or remove what a process that died left, by what the ledger knows."""
        for folder in sorted(self._waiting.glob("*")):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                continue
            if is_known(folder.name):
                self._locks[folder.name] = descriptor
                self.move_in(folder.name)
            else:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(descriptor)

    def stage(self, batch: str, days: dict[str, pa.Table]) -> list[dict[str, Any]]:
        """Write the rows of a batch, a file a day, durably; give what the ledger says of them.

        Raises  ActError where the disk does not take them
        """
        import pyarrow.parquet as pq

        folder = self._waiting / batch
        try:
            folder.mkdir(parents=True)
            self._locks[batch] = os.open(folder, os.O_RDONLY)
            fcntl.flock(self._locks[batch], fcntl.LOCK_EX)
            told = []
            for day, table in sorted(days.items()):
                name = f"day={day}/{batch}.parquet"
                path = folder / name
                path.parent.mkdir()
                pq.write_table(table, path, compression="zstd", write_page_checksum=True)
                with path.open("rb") as file:
                    os.fsync(file.fileno())
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                told.append(
                    {
                        "name": name,
                        "rows": table.num_rows,
                        "bytes": path.stat().st_size,
                        "sha256": digest,
                    }
                )
                _sync(path.parent)
            _sync(folder)
        except OSError as error:
            raise ActError(
                f"the Parquet files of {self._waiting.name} cannot be written"
                f" ({error.strerror or type(error).__name__}); nothing of the batch was committed"
            ) from None
        return told

    def move_in(self, batch: str) -> None:
        """Put the files of a committed batch where they belong."""
        folder = self._waiting / batch
        for path in sorted(folder.glob("day=*/*.parquet")):
            target = self._output / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)
            _sync(target.parent)
        shutil.rmtree(folder, ignore_errors=True)
        descriptor = self._locks.pop(batch, None)
        if descriptor is not None:
            os.close(descriptor)

    def let_go(self) -> None:
        """Release what waits, as the end of the process would."""
        for descriptor in self._locks.values():
            os.close(descriptor)
        self._locks.clear()


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
