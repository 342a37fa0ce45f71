"""The file witness: durable, chained, repaired after a crash and by nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from lethe.errors import ActError, ConfigurationError, TamperingFound
from lethe.evidence.witness import write_record
from lethe.evidence.witness_file import FileWitness

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def file(tmp_path: Path) -> FileWitness:
    return FileWitness.create(uuid4(), tmp_path)


def test_records_come_back_in_both_directions(file: FileWitness) -> None:
    batch = uuid4()
    for number in range(5):
        file.append("note", {"n": number, "text": "é\n" * number * 40_000}, batch)
    forward = list(file.records())
    assert [record.body["n"] for record in forward] == [0, 1, 2, 3, 4]
    assert list(file.records_backwards()) == forward[::-1]
    assert [record.number for record in file.records(after=3)] == [4, 5]
    assert forward[-1].batch == batch
    assert file.position() == (5, forward[-1].digest)


def test_only_its_owner_may_read_it(file: FileWitness) -> None:
    assert file.path.stat().st_mode & 0o777 == 0o600


def test_another_process_continues_the_chain(file: FileWitness) -> None:
    file.append("note", {"n": 1})
    other = FileWitness(file.path, file.warehouse_id)
    other.append("note", {"n": 2})
    file.append("note", {"n": 3})
    assert [record.body["n"] for record in file.records()] == [1, 2, 3]


def test_a_witness_that_nobody_closes_keeps_no_file_open(file: FileWitness) -> None:
    """A process that lives long opens it three times a night."""

    def opened() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = opened()
    for _ in range(5):
        FileWitness(file.path, file.warehouse_id).append("note", {})
    assert opened() == before
    file.close()
    file.close()
    assert opened() == before - 1


def test_many_writers_at_once_leave_one_chain(file: FileWitness) -> None:
    def write() -> None:
        own = FileWitness(file.path, file.warehouse_id)
        for number in range(25):
            own.append("note", {"n": number})
        own.close()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(file.records())) == 100


@pytest.mark.parametrize("kept", [1, 20, 200])
def test_a_torn_last_line_is_cut_off_and_nothing_else(file: FileWitness, kept: int) -> None:
    file.append("note", {"n": 1})
    whole = file.path.read_bytes()
    file.append("note", {"n": 2, "text": "x" * 500})
    torn = file.path.read_bytes()[: len(whole) + kept]
    file.path.write_bytes(torn)
    again = FileWitness(file.path, file.warehouse_id)
    assert [record.number for record in again.records()] == [1]
    assert [record.number for record in again.records_backwards()] == [1]
    assert again.position().number == 1
    assert file.path.read_bytes() == whole
    again.append("note", {"n": 3})
    assert [record.body["n"] for record in again.records()] == [1, 3]


def test_a_torn_first_line_leaves_an_empty_witness(file: FileWitness) -> None:
    file.path.write_bytes(b'{"no":1,"at"')
    assert FileWitness(file.path, file.warehouse_id).append("note", {}).number == 1


def test_any_changed_byte_is_found(file: FileWitness) -> None:
    for number in range(3):
        file.append("note", {"n": number})
    honest = file.path.read_bytes()
    for at in range(0, len(honest) - 1, 7):
        spoiled = bytearray(honest)
        spoiled[at] ^= 1
        file.path.write_bytes(bytes(spoiled))
        for read in (file.records, file.records_backwards):
            with pytest.raises(TamperingFound):
                list(read())


def test_a_removed_doubled_or_swapped_record_is_found(file: FileWitness) -> None:
    for number in range(4):
        file.append("note", {"n": number})
    a, b, c, d = file.path.read_bytes().splitlines(keepends=True)
    for lines in ((b, c, d), (a, c, d), (a, b, b, c, d), (a, c, b, d)):
        file.path.write_bytes(b"".join(lines))
        for read in (file.records, file.records_backwards):
            with pytest.raises(TamperingFound):
                list(read())


def test_a_record_replaced_by_another_that_is_whole_is_found(file: FileWitness) -> None:
    first = file.append("note", {"n": 0})
    file.append("note", {"n": 1})
    file.append("note", {"n": 2})
    a, _, c = file.path.read_bytes().splitlines(keepends=True)
    forged, _ = write_record(first, uuid4(), "note", {"n": 7}, None)
    file.path.write_bytes(a + f"{forged}\n".encode() + c)
    for read in (file.records, file.records_backwards):
        with pytest.raises(TamperingFound):
            list(read())


def test_a_witness_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="bring it back"):
        FileWitness.open(uuid4(), tmp_path)


def test_a_full_disk_stops_the_commit_and_the_chain_goes_on(tmp_path: Path) -> None:
    script = (
        "import resource, signal, sys; from pathlib import Path; from uuid import UUID\n"
        "from lethe.evidence.witness_file import FileWitness\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "file = FileWitness.create(UUID(sys.argv[1]), Path(sys.argv[2]))\n"
        "file.append('note', {})\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))\n"
        "try: file.append('note', {'text': 'x' * 5000})\n"
        "except Exception as error: print(type(error).__name__)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))\n"
        "file.append('note', {'n': 2})\n"
    )
    name = UUID(int=1)
    done = subprocess.run(
        [sys.executable, "-c", script, str(name), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(PROJECT / "plugins")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == ActError.__name__
    bodies = [record.body for record in FileWitness.open(name, tmp_path).records()]
    assert bodies == [{}, {"n": 2}]


def test_a_kept_key_can_be_destroyed(file: FileWitness) -> None:
    key = uuid4()
    assert file.kept_key(key) is None
    file.keep_key(key, {"wrapped": "secret"})
    assert file.kept_key(key) == {"wrapped": "secret"}
    file.destroy_key(key)
    file.destroy_key(key)
    assert file.kept_key(key) is None
    assert not [found for found in file.path.parent.rglob("*") if b"secret" in content(found)]


def content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""
