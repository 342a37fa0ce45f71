"""What is left out of an exported bundle, or put into it, is found without us."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
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
    assert is_bundle(bundle)
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
    (folder / "archive.json").write_text(json.dumps(about))


def double_line(folder: Path) -> None:
    file = folder / "records.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([lines[1], *lines[1:]]))


def drop_last_head(folder: Path) -> None:
    about = json.loads((folder / "archive.json").read_text())
    about["heads"] = about["heads"][:-1]
    (folder / "archive.json").write_text(json.dumps(about))


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
