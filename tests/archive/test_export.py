"""What is left out of an exported bundle, or put into it, is found without us."""

from __future__ import annotations

import io
import json
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from lethe.archive.export import export_archive
from lethe.archive.night import run_archive
from lethe.evidence.pack_verify import is_bundle, verify_bundle
from lethe.include import include_folder

from tests.kit import TODAY, Kit


def checked(bundle: Path) -> tuple[int, str]:
    program = include_folder() / "templates" / "verify.py"
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(program), str(bundle)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    if is_bundle(bundle):
        found = verify_bundle(bundle)
        assert (found["valid"], found["says"]) == (done.returncode == 0, done.stdout.splitlines())
    return done.returncode, done.stdout


def drop_line(folder: Path) -> None:
    file = folder / "records.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[1:]))


def drop_line_and_say_so(folder: Path) -> None:
    drop_line(folder)
    about = json.loads((folder / "archive.json").read_text())
    contents = json.loads(about["contents"])
    contents["files"]["records"]["lines"] -= 1
    about["contents"] = json.dumps(contents, sort_keys=True, separators=(",", ":"))
    (folder / "archive.json").write_text(json.dumps(about, indent=1))


def double_line(folder: Path) -> None:
    file = folder / "records.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([lines[1], *lines[1:]]))


def drop_last_head(folder: Path) -> None:
    about = json.loads((folder / "archive.json").read_text())
    about["heads"] = about["heads"][:-1]
    (folder / "archive.json").write_text(json.dumps(about, indent=1))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (drop_line, "records: 8 were exported, 7 are here"),
        (drop_line_and_say_so, "the signature of what the bundle holds is wrong"),
        (double_line, "records: are not those that were exported"),
        (
            lambda folder: (folder / "verify.py").write_text("print('valid')"),
            "verify.py: is not the program that was exported",
        ),
        (drop_last_head, "the newest head is not the one that was exported"),
        (lambda folder: (folder / "destroyed.jsonl").write_text("{}\n"), "not a bundle"),
    ],
)
def test_what_was_left_out_or_put_in_is_named(
    shop: Kit, tmp_path: Path, change: object, said: str
) -> None:
    run_archive(shop.site, TODAY)
    shop.execute("UPDATE invoice SET bill_to = 'Robert' WHERE id = 20")
    run_archive(shop.site, date(2026, 6, 2))
    bundle, folder = tmp_path / "bundle.zip", tmp_path / "open"
    export_archive(shop.site, bundle, date(2010, 1, 1), date(2026, 6, 2), reason="an audit")
    code, text = checked(bundle)
    assert (code, "8 records of documents issued from 2010-01-01 to 2026-06-02" in text) == (
        0,
        True,
    )
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(folder)
    assert checked(folder)[0] == 0
    change(folder)  # type: ignore[operator]
    code, text = checked(folder)
    assert (code, said in text) == (1, True), text
    shutil.copy(bundle, tmp_path / "more.zip")
    with zipfile.ZipFile(tmp_path / "more.zip", "a") as archive:
        archive.writestr("note.txt", "also")
    code, text = checked(tmp_path / "more.zip")
    assert (code, "note.txt: is no file of the bundle" in text) == (1, True)


def again(
    data: bytes,
    change: Callable[[list[tuple[zipfile.ZipInfo, bytes]]], None] = lambda _: None,
    comment: bytes = b"",
) -> bytes:
    """The bundle, zipped again with other entries."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = [(entry, archive.read(entry)) for entry in archive.infolist()]
    change(entries)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, content in entries:
            archive.writestr(entry, content)
        archive.comment = comment
    return file.getvalue()


def entry(name: str, mode: int = 0o600, extra: bytes = b"") -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.external_attr, made.extra, made.compress_type = mode << 16, extra, zipfile.ZIP_DEFLATED
    return made


def about(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    def put(entries: list[tuple[zipfile.ZipInfo, bytes]]) -> None:
        entries[-1] = (entries[-1][0], change(entries[-1][1]))

    return again(data, put)


def declared(data: bytes, size: int) -> bytes:
    """The last entry of the list says that it unpacks to some other size."""
    at = data.rindex(b"PK\1\2")
    return data[: at + 24] + struct.pack("<I", size) + data[at + 28 :]


ODD: dict[str, Callable[[bytes], bytes]] = {
    "before": lambda data: b"MZ" + data,
    "behind": lambda data: data + b"more",
    "comment": lambda data: again(data, comment=b"tested by us, all fine"),
    "comment of an entry": lambda data: again(
        data, lambda entries: setattr(entries[0][0], "comment", b"fine")
    ),
    "extra field": lambda data: again(
        data, lambda entries: setattr(entries[0][0], "extra", b"\xfe\xca\4\0fine")
    ),
    "twice": lambda data: again(data, lambda entries: entries.append(entries[1])),
    "twice, in capitals": lambda data: again(
        data, lambda entries: entries.append((entry("RECORDS.jsonl"), b""))
    ),
    "elsewhere": lambda data: again(data, lambda entries: entries.append((entry("../evil"), b"x"))),
    "absolute": lambda data: again(data, lambda entries: entries.append((entry("/evil"), b"x"))),
    "folder": lambda data: again(data, lambda entries: entries.append((entry("more/"), b""))),
    "link": lambda data: again(
        data, lambda entries: setattr(entries[1][0], "external_attr", 0o120777 << 16)
    ),
    "another order": lambda data: again(data, lambda entries: entries.insert(0, entries.pop())),
    "left out": lambda data: again(data, lambda entries: entries.pop(0)),
    "another packing": lambda data: again(
        data, lambda entries: setattr(entries[1][0], "compress_type", zipfile.ZIP_BZIP2)
    ),
    "huge": lambda data: declared(data, 0xFFFFFFF0),
    "larger than it is": lambda data: declared(data, 900_000),
    "ZIP64": lambda data: data[:-22] + data[-22:-14] + b"\xff" * 12 + data[-2:],
    "cut off": lambda data: data[:-30],
    "a key more": lambda data: about(
        data, lambda text: text.replace(b"{", b'{\n "note": "tested, all fine",', 1)
    ),
    "a key twice": lambda data: about(
        data, lambda text: text.replace(b'"format"', b'"format": "x", "format"', 1)
    ),
    "other spaces": lambda data: about(data, lambda text: text + b"\n"),
    "other format": lambda data: about(
        data, lambda text: text.replace(b"bundle/1", b"bundle/2", 1)
    ),
    "a mark of bytes": lambda data: about(data, lambda text: b"\xef\xbb\xbf" + text),
}


def test_a_bundle_is_valid_in_one_form_only(shop: Kit, tmp_path: Path) -> None:
    run_archive(shop.site, TODAY)
    bundle, odd = tmp_path / "bundle.zip", tmp_path / "odd.zip"
    export_archive(shop.site, bundle, date.min, date.max, reason="an audit")
    data = bundle.read_bytes()
    odd.write_bytes(again(data))
    assert checked(odd)[0] == 0, "zipped again in the same form"
    for name, change in ODD.items():
        odd.write_bytes(change(data))
        code, text = checked(odd)
        assert (code, "Error" in text) == (1, False), (name, text)
    folder = tmp_path / "open"
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(folder)
    records = folder / "records.jsonl"
    records.write_bytes(records.read_bytes().replace(b"\n", b"\r\n"))
    assert checked(folder)[0] == 1
    records.unlink()
    records.symlink_to(tmp_path / "elsewhere")
    assert "is a link" in checked(folder)[1]
