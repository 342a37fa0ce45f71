"""A finished file is what was written, byte for byte, as the disk gives it back."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from lethe.errors import VerificationError
from lethe.pseudonymisation import parts
from lethe.pseudonymisation.parts import PartWriter

SCHEMA = pa.schema([("line", pa.int64()), ("path", pa.dictionary(pa.int32(), pa.string()))])


def rows(start: int, count: int) -> pa.Table:
    return pa.table(
        {
            "line": pa.array(range(start, start + count), pa.int64()),
            "path": pa.array([f"/{n % 7}" for n in range(count)]).dictionary_encode(),
        },
        schema=SCHEMA,
    )


def write(folder: Path) -> PartWriter:
    writer = PartWriter(folder, "source", 0, SCHEMA)
    for start in range(0, 3000, 1000):
        writer.write({"2026-11-22": rows(start, 1000)})
    return writer


def test_a_file_is_named_with_its_rows_size_and_digest(tmp_path: Path) -> None:
    (part,) = write(tmp_path).finish()
    assert (part.rows, part.octets) == (3000, (tmp_path / part.name).stat().st_size)


@pytest.mark.parametrize("place", [6, 400, -40])
def test_a_byte_that_the_disk_gives_back_wrong_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    usual = parts._Digested.close

    def spoils(sink: parts._Digested) -> None:
        usual(sink)
        (path,) = tmp_path.rglob("*.parquet")
        spoiled = bytearray(path.read_bytes())
        spoiled[place] ^= 1
        path.write_bytes(spoiled)

    monkeypatch.setattr(parts._Digested, "close", spoils)
    with pytest.raises(VerificationError, match="read back with other bytes"):
        write(tmp_path).finish()


def test_rows_that_never_reached_the_file_are_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = write(tmp_path)
    (part,) = writer._open.values()
    monkeypatch.setattr(part, "line_sum", part.line_sum + 1)
    with pytest.raises(VerificationError, match="or others"):
        writer.finish()
