"""An evidence pack is valid, or the first thing that is not is named: offline, by anybody."""

from __future__ import annotations

import hashlib
import json
import os
import runpy
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lethe.errors import UsageError
from lethe.evidence.pack_verify import verify_packs
from lethe.include import include_folder
from lethe.quality.outcomes import State

from tests.packs import (
    crowd as crowd,
)
from tests.packs import (
    forge,
    lines_of,
    put_lines,
    repack,
    seal_again,
    sign_again,
    unpack,
)
from tests.packs import (
    one_pack as one_pack,
)
from tests.packs import (
    row_of_packs as row_of_packs,
)

Files = dict[str, bytes]
VERIFIER = Path(__file__).parents[2] / "include" / "templates" / "verify.py"


def fault_of(pack: Path, **how: Any) -> tuple[str, int, str]:
    fault = verify_packs([pack], **how)["fault"]
    assert fault is not None, "nothing was found"
    return fault["file"], fault["line"], fault["what"]


def run_alone(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """The verifier with the standard library alone, from an empty folder."""
    folder.mkdir(exist_ok=True)
    shutil.copy(VERIFIER, folder / "v.py")
    done = subprocess.run(
        [sys.executable, "-I", "-S", "v.py", *arguments],
        cwd=folder,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_an_honest_pack_is_valid_as_a_file_and_as_a_folder(one_pack: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(one_pack) as file:
        file.extractall(tmp_path / "open")
    assert verify_packs([one_pack])["valid"] and verify_packs([tmp_path / "open"])["valid"]
    code, out, err = run_alone(tmp_path / "empty", str(one_pack))
    assert (code, err) == (0, "")
    alone = "a.zip: valid in itself, but compared with nothing outside: small, day 2026-06-01"
    assert out.startswith(f"{alone} (a rehearsal): seals 1 to 4")
    code, out, err = run_alone(
        tmp_path / "empty", str(one_pack), "--heads", str(tmp_path / "mails.txt")
    )
    assert (code, err) == (0, "")
    assert out.startswith("a.zip: valid: small, day 2026-06-01 (a rehearsal): seals 1 to 4")
    assert "compared with, from elsewhere: the signing key (1), seals of the ledger (1)" in out
    own = [sys.executable, "-I", "-S", str(tmp_path / "open" / "verify.py")]
    assert subprocess.run(own, capture_output=True, check=False).returncode == 0


def test_the_verifier_needs_nothing_newer_than_python_3_9() -> None:
    import ast

    ast.parse(VERIFIER.read_text(encoding="utf-8"), feature_version=(3, 9))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.binary(min_size=32, max_size=32),
    message=st.binary(max_size=200),
    at=st.integers(0, 63),
    bit=st.integers(0, 7),
)
def test_signatures_are_judged_as_the_library_judges_them(
    seed: bytes, message: bytes, at: int, bit: int
) -> None:
    is_signed = runpy.run_path(str(VERIFIER))["is_signed"]
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public = key.public_key().public_bytes_raw()
    signature = key.sign(message)
    changed = bytearray(signature)
    changed[at] ^= 1 << bit
    assert is_signed(public, signature, message)
    assert not is_signed(public, bytes(changed), message)
    assert not is_signed(public, signature, message + b"x")
    assert not is_signed(public[:31], signature, message)
    assert not is_signed(public, signature[:63], message)


def test_the_vector_of_rfc_8032_verifies() -> None:
    is_signed = runpy.run_path(str(VERIFIER))["is_signed"]
    public = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"
    signature = (
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    )
    assert is_signed(bytes.fromhex(public), bytes.fromhex(signature), bytes.fromhex("af82"))


# What a forger without the key can do: the file or the signature gives him away ---------------


def _change(name: str, old: bytes, new: bytes) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        assert old in files[name]
        files[name] = files[name].replace(old, new, 1)

    return change


def _drop(name: str, line: int) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        lines = files[name].splitlines(keepends=True)
        del lines[line]
        files[name] = b"".join(lines)

    return change


def _swap(name: str, one: int, other: int) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        lines = files[name].splitlines(keepends=True)
        lines[one], lines[other] = lines[other], lines[one]
        files[name] = b"".join(lines)

    return change


def _remove(name: str) -> Callable[[Files], None]:
    return lambda files: files.pop(name) and None


def _add(name: str) -> Callable[[Files], None]:
    return lambda files: files.update({name: b"?"})


FORGERIES = [
    (_swap("ledger.jsonl", 7, 8), "ledger.jsonl", 9, "stands out of order"),
    (_drop("ledger.jsonl", 8), "ledger.jsonl", 6, "under seal 3 stand 52 rows"),
    (
        _change("ledger.jsonl", b'"commitment":"', b'"kommitment":"'),
        "ledger.jsonl",
        7,
        "is neither a row",
    ),
    (_drop("seals.jsonl", 1), "seals.jsonl", 2, "seal 2 is missing"),
    (_change("seals.jsonl", b'"leaf_count":53', b'"leaf_count":52'), "seals.jsonl", 3, "changed"),
    (_change("tables.jsonl", b'"deleted":50', b'"deleted":49'), "tables.jsonl", 1, "says 50"),
    (_change("plans.jsonl", b'"planned":61', b'"planned":60'), "plans.jsonl", 2, "says 61"),
    (
        _change("runs.jsonl", b'"kind":"sweep","name":null', b'"kind":"sweep","name":"x"'),
        "runs.jsonl",
        0,
        "SHA-256",
    ),
    (_change("approvals.jsonl", b'"vera"', b'"eva"'), "approvals.jsonl", 1, "ledger says vera"),
    (_drop("approvals.jsonl", 0), "approvals.jsonl", 0, "is missing"),
    (_change("quality.jsonl", b'"failing":0', b'"failing":1'), "quality.jsonl", 0, "SHA-256"),
    (_change("archive.jsonl", b'"signature":"', b'"signature":"00'), "archive.jsonl", 1, "wrong"),
    (_change("manifest.json", b'"small"', b'"large"'), "manifest.sig", 0, "the signature"),
    (_change("manifest.json", b'"day"', b'"day'), "manifest.json", 0, "cannot be read"),
    (_change("verify.py", b"else 1", b"else 0"), "verify.py", 0, "SHA-256"),
    (_change("key.pem", b"A", b"B"), "key.pem", 0, "another key"),
    (_remove("plans.jsonl"), "plans.jsonl", 0, "is missing"),
    (_remove("report/summary.json"), "report/summary.json", 0, "is missing"),
    (_add("report/extra.json"), "report/extra.json", 0, "was added"),
]


@pytest.mark.parametrize(("change", "file", "line", "what"), FORGERIES, ids=lambda x: str(x)[:30])
def test_what_was_changed_is_named_by_file_and_line(
    one_pack: Path, tmp_path: Path, change: Callable[[Files], None], file: str, line: int, what: str
) -> None:
    files = unpack(one_pack)
    change(files)
    bad = repack(files, tmp_path / "bad.zip")
    found = fault_of(bad)
    assert found[:2] == (file, line) and what in found[2], found
    code, out, err = run_alone(tmp_path / "empty", str(bad), "--json")
    said = json.loads(out)["fault"]
    assert (code, err, said["file"], said["line"]) == (1, "", file, line)


# The zip itself --------------------------------------------------------------------------------


def _zip_of(path: Path, entries: list[tuple[str, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, data in entries:
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3
            entry.external_attr = 0o100644 << 16
            file.writestr(entry, data)
    return path


@pytest.mark.parametrize("name", ["../evil.py", "/etc/passwd", "a/../../b", "C:\\x", "a//b", "é"])
def test_a_name_that_leads_elsewhere_is_refused_and_nothing_is_written(
    one_pack: Path, tmp_path: Path, name: str
) -> None:
    entries = sorted([*unpack(one_pack).items(), (name, b"?")])
    before = sorted(tmp_path.rglob("*"))
    file = _zip_of(tmp_path / "bad.zip", entries)
    assert fault_of(file)[2].startswith(("an entry has a name", "its entry"))
    assert sorted(tmp_path.rglob("*")) == sorted([*before, file])


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_entries_of_one_name_are_refused(one_pack: Path, tmp_path: Path) -> None:
    files = unpack(one_pack)
    entries = sorted([*files.items(), ("plans.jsonl", b"")])
    file, _, what = fault_of(_zip_of(tmp_path / "bad.zip", entries))
    assert (file, what) == ("plans.jsonl", "is there twice in the zip file")
    swapped = sorted(files.items(), reverse=True)
    assert "wrong place" in fault_of(_zip_of(tmp_path / "bad.zip", swapped))[2]


def test_a_zip_bomb_is_not_unpacked(one_pack: Path, tmp_path: Path) -> None:
    files = unpack(one_pack)
    bomb = repack({**files, "report/zeros": b"\0" * (1 << 22)}, tmp_path / "bad.zip")
    data = bytearray(bomb.read_bytes())
    for mark, at in ((b"PK\1\2", 24), (b"PK\3\4", 22)):
        place = -1
        while (place := data.find(mark, place + 1)) >= 0:
            (size,) = struct.unpack_from("<I", data, place + at)
            if size == 1 << 22:
                struct.pack_into("<I", data, place + at, 10)
    bomb.write_bytes(data)
    assert "another size" in fault_of(bomb)[2]
    data = bytearray(repack(files, tmp_path / "bad.zip").read_bytes())
    struct.pack_into("<I", data, data.find(b"PK\1\2") + 24, (1 << 31))
    bomb.write_bytes(data)
    assert "more than 1 GiB" in fault_of(bomb)[2]


@pytest.mark.parametrize("cut", [0, 1, 21, 22, 500, -1, -22, -300])
def test_a_truncated_zip_is_named(one_pack: Path, tmp_path: Path, cut: int) -> None:
    bad = tmp_path / "bad.zip"
    bad.write_bytes(one_pack.read_bytes()[:cut])
    assert fault_of(bad)[0] == "bad.zip"
    bad.write_bytes(one_pack.read_bytes() + b"more")
    assert "something was added" in fault_of(bad)[2]


def test_any_byte_of_the_zip_that_is_flipped_is_found_or_changes_no_file(
    one_pack: Path, tmp_path: Path
) -> None:
    """Harmless is only another way to pack the same bytes: no header and no file changes."""
    verifier = runpy.run_path(str(VERIFIER))
    read, fault = verifier["read_zip"], verifier["Fault"]
    good, data, bad = read(one_pack), one_pack.read_bytes(), tmp_path / "bad.zip"
    packed: set[int] = set()
    with zipfile.ZipFile(one_pack) as file:
        for entry in file.infolist():
            begin = entry.header_offset + 30 + len(entry.filename)
            packed |= set(range(begin, begin + entry.compress_size))
    harmless = set()
    for at in range(len(data)):
        if at in packed and at % 13:
            continue
        changed = bytearray(data)
        changed[at] ^= 1 << (at % 8)
        bad.write_bytes(changed)
        try:
            assert read(bad) == good, "what was read differs, and the zip's own sums did not tell"
            harmless.add(at)
        except fault:
            continue
    assert harmless <= packed and len(harmless) < 20


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None
)
@given(draw=st.data())
def test_any_byte_of_any_file_that_is_flipped_is_found(
    one_pack: Path, tmp_path: Path, draw: st.DataObject
) -> None:
    files = unpack(one_pack)
    name = draw.draw(st.sampled_from(sorted(files)))
    at = draw.draw(st.integers(0, len(files[name]) - 1))
    bit = draw.draw(st.integers(0, 7))
    changed = bytearray(files[name])
    changed[at] ^= 1 << bit
    found = verify_packs([repack({**files, name: bytes(changed)}, tmp_path / "bad.zip")])
    assert not found["valid"]
    pack = found["packs"][0]
    assert any(each["file"] in (name, "manifest.sig") for each in pack["faults"])


def test_openssl_agrees_about_the_signature(one_pack: Path, tmp_path: Path) -> None:
    tool = shutil.which("openssl")
    if tool is None:
        pytest.skip("no openssl here")
    with zipfile.ZipFile(one_pack) as file:
        file.extractall(tmp_path)
    command = f"{tool} pkeyutl -verify -pubin -inkey key.pem -rawin -in manifest.json"
    told = (tmp_path / "VERIFY.md").read_text(encoding="utf-8")
    assert f"{command.removeprefix(tool.rpartition('/')[0] + '/')} -sigfile manifest.sig" in told
    done = subprocess.run(
        [*command.split(), "-sigfile", "manifest.sig"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
    )
    assert done.returncode == 0, done


def test_the_guide_explains_every_state_of_quality_in_both_languages() -> None:
    guide = (include_folder() / "templates" / "VERIFY.md").read_text(encoding="utf-8")
    for half in guide.split("# Comment vérifier"):
        for state in get_args(State):
            assert f"\n| `{state}` | " in half
        assert "`is not the manifest that the mail tells`" in half


JUNK: list[Any] = [
    None, True, -1, 0, 1.5, 10**30, "", "x", "2026-13-45", "\x1b[2J", [], [[]], {}, {"a": 1}
]  # fmt: skip


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inside = list(value.items())
    elif isinstance(value, list):
        inside = list(enumerate(value))
    return [path, *(each for key, part in inside for each in _places(part, (*path, key)))]


def _put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Put something in a place; the string MISSING takes the place away."""
    if not path:
        return new
    value = value.copy()
    if new == "MISSING" and len(path) == 1:
        del value[path[0]]
    else:
        value[path[0]] = _put(value[path[0]], path[1:], new)
    return value


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None
)
@given(draw=st.data())
def test_no_nonsense_that_is_signed_makes_the_verifier_stumble(
    row_of_packs: tuple[Path, Path, Path], tmp_path: Path, draw: st.DataObject
) -> None:
    first, second, _ = row_of_packs
    files = unpack(first)
    name = draw.draw(
        st.sampled_from(
            [
                "manifest",
                "ledger",
                "seals",
                "runs",
                "plans",
                "tables",
                "approvals",
                "archive",
                "policies",
                "quality",
            ]
        )
    )
    new = draw.draw(st.sampled_from([*JUNK, "MISSING"]))
    if name == "manifest":
        files = unpack(forge(files, tmp_path / "bad.zip"))
        document = json.loads(files["manifest.json"])
        place = draw.draw(st.sampled_from(_places(document)))
        files["manifest.json"] = json.dumps(_put(document, place, new)).encode()
        bad = sign_again(files, tmp_path / "bad.zip")
    else:
        lines = lines_of(files, name)
        at = draw.draw(st.integers(0, min(len(lines), 9) - 1))
        if name == "ledger" and "row" in lines[at] and draw.draw(st.booleans()):
            row = json.loads(lines[at]["row"])
            row = _put(row, draw.draw(st.sampled_from(_places(row))), new)
            lines[at]["row"] = json.dumps(row, sort_keys=True, separators=(",", ":"))
        else:
            lines[at] = _put(lines[at], draw.draw(st.sampled_from(_places(lines[at]))), new)
        put_lines(files, name, lines)
        bad = forge(files, tmp_path / "bad.zip")
    for packs in ([bad], [bad, second]):
        found = verify_packs(packs, heads=tmp_path / "mails.txt", key=None)
        assert isinstance(found["valid"], bool)
        assert "\x1b" not in found["packs"][0]["says"]


def test_links_in_an_unpacked_pack_are_refused(one_pack: Path, tmp_path: Path) -> None:
    folder = tmp_path / "open"
    with zipfile.ZipFile(one_pack) as file:
        file.extractall(folder)
    (folder / "plans.jsonl").rename(tmp_path / "elsewhere")
    (folder / "plans.jsonl").symlink_to(tmp_path / "elsewhere")
    assert fault_of(folder) == ("plans.jsonl", 0, "is a link or a device, not a file")


# What a forger with a key of his own can do: the sealed ledger, the pinned key, the mails -------


def test_another_key_is_named_when_yours_is_pinned(one_pack: Path, tmp_path: Path) -> None:
    true = verify_packs([one_pack])["packs"][0]["fingerprint"]
    bad = forge(unpack(one_pack), tmp_path / "bad.zip")
    assert verify_packs([bad])["valid"], "nothing in the pack can tell one key from another"
    assert "another key" in fault_of(bad, key=true)[2]
    grouped = ":".join(true[at : at + 4].upper() for at in range(0, 64, 4))
    assert verify_packs([one_pack], key=grouped)["valid"]
    assert fault_of(bad, heads=tmp_path / "mails.txt")[2].startswith("is signed by another key")


def _with(change: Callable[[dict[str, Any]], Any], name: str, at: int = 0) -> Any:
    def apply(files: Files) -> None:
        lines = lines_of(files, name)
        change(lines[at])
        put_lines(files, name, lines)

    return apply


def _unsay(files: Files) -> None:
    """Drop an approval together with its ledger row."""
    put_lines(files, "approvals", [])
    put_lines(files, "ledger", [row for row in lines_of(files, "ledger") if row["id"] != 6])


def _hide(files: Files) -> None:
    """Show the row of an approval as a commitment that it is not."""
    put_lines(files, "approvals", [])
    rows = lines_of(files, "ledger")
    row = json.loads(rows[5]["row"])
    shown = {name: row[name] for name in ("at", "batch", "run_id")}
    rows[5] = {"seal": 3, "id": 6, "kind": "archive_shown", "commitment": "00" * 32, **shown}
    put_lines(files, "ledger", rows)


def _show(files: Files) -> None:
    rows = lines_of(files, "ledger")
    row = json.loads(rows[3]["row"])
    row |= {"subject_token": "00" * 32, "key_id": row["batch"]}
    rows[3]["row"] = json.dumps(row, sort_keys=True, separators=(",", ":"))
    put_lines(files, "ledger", rows)


FORGERIES_WITH_A_KEY: list[tuple[Callable[[Files], None], str, str]] = [
    (lambda files: put_lines(files, "approvals", []), "approvals.jsonl", "row 6"),
    (_unsay, "ledger.jsonl", "under seal 3 stand 52 rows"),
    (_hide, "ledger.jsonl", "changed, swapped or hidden"),
    (_show, "ledger.jsonl", "about a single subject in the clear"),
    (_with(lambda run: run.update(as_of="2026-05-31"), "runs", 2), "runs.jsonl", "2026-06-01"),
    (_with(lambda plan: plan.update(digest="00" * 32), "plans", 2), "plans.jsonl", "digest is"),
    (_with(lambda plan: plan.update(planned=3), "plans", 2), "plans.jsonl", "planned is 3"),
    (_with(lambda each: each.update(digest="00" * 32), "approvals"), "approvals.jsonl", "digest"),
    (_with(lambda each: each.update(row=5), "approvals"), "approvals.jsonl", "no such decision"),
    (_with(lambda each: each.update(row=None), "approvals"), "approvals.jsonl", "never came"),
    (_with(lambda each: each.update(changed=9), "tables"), "tables.jsonl", "changed is 9"),
    (lambda files: put_lines(files, "tables", []), "tables.jsonl", "are missing"),
    (lambda files: put_lines(files, "plans", []), "plans.jsonl", "is missing"),
    (lambda files: put_lines(files, "runs", []), "ledger.jsonl", "runs.jsonl does not tell"),
    (lambda files: put_lines(files, "archive", []), "archive.jsonl", "does not hold"),
    (_with(lambda each: each.update(version="2"), "policies"), "policies.jsonl", "version is 2"),
    (_with(lambda each: each.update(kind="archive_shown"), "ledger", 7), "ledger.jsonl", "one was"),
    (_with(lambda plan: plan["counts"].update(done=3), "plans", 2), "plans.jsonl", "done is 3"),
    (_with(lambda each: each.update(row=1, seal=0), "approvals"), "approvals.jsonl", "row 6"),
    (_with(lambda check: check.update(state="failed"), "quality"), "", ""),
]


@pytest.mark.parametrize(
    ("change", "file", "what"), FORGERIES_WITH_A_KEY, ids=range(len(FORGERIES_WITH_A_KEY))
)
def test_what_the_sealed_ledger_says_cannot_be_said_otherwise_even_with_a_key(
    one_pack: Path, tmp_path: Path, change: Callable[[Files], None], file: str, what: str
) -> None:
    files = unpack(one_pack)
    change(files)
    bad = forge(files, tmp_path / "bad.zip")
    if not file:
        assert verify_packs([bad])["valid"], "only signature, pinned key and mails protect this"
        return
    found = fault_of(bad)
    assert found[0] == file and what in found[2], found


# What the owner of the database could do, who seals anew: the mails, and what rows say of another -


def test_a_ledger_that_was_sealed_anew_agrees_with_itself_and_not_with_the_mails(
    one_pack: Path, tmp_path: Path
) -> None:
    bad = seal_again(unpack(one_pack), tmp_path / "bad.zip")
    assert verify_packs([bad])["valid"], "the same rows give the same seals"
    files = unpack(one_pack)
    rows = lines_of(files, "ledger")
    rows[0]["row"] = rows[0]["row"].replace('"by":"root"', '"by":"eva"')
    put_lines(files, "ledger", rows)
    bad = seal_again(files, tmp_path / "bad.zip")
    assert verify_packs([bad])["valid"]
    found = verify_packs([bad], heads=tmp_path / "mails.txt")["packs"][0]
    assert any(each["what"] == "seal 4 is not the one of the mail" for each in found["faults"])


def test_a_decision_is_not_hidden_and_an_erasure_not_left_out_by_sealing_anew(
    one_pack: Path, tmp_path: Path
) -> None:
    files = unpack(one_pack)
    _hide(files)
    rows = lines_of(files, "ledger")
    rows[5]["kind"] = "plan_rejected"
    put_lines(files, "ledger", rows)
    file, line, what = fault_of(seal_again(files, tmp_path / "bad.zip"))
    assert (file, line, what) == (
        "ledger.jsonl",
        6,
        "hides a row that everybody may see (plan_rejected)",
    )
    files = unpack(one_pack)
    rows = lines_of(files, "ledger")
    del rows[20]
    put_lines(files, "ledger", rows)
    assert fault_of(seal_again(files, tmp_path / "bad.zip"))[2].endswith(
        "erased 50 subjects; 49 rows say so"
    )


def test_subjects_that_went_with_a_whole_partition_have_no_row_each(
    one_pack: Path, tmp_path: Path
) -> None:
    files = unpack(one_pack)
    rows = lines_of(files, "ledger")
    at = next(at for at, row in enumerate(rows) if '"batch_done"' in row.get("row", ""))
    batch = json.loads(rows[at]["row"])
    batch["payload"]["done"] += 3
    rows[at]["row"] = json.dumps(batch, sort_keys=True, separators=(",", ":"))
    put_lines(files, "ledger", rows)
    assert fault_of(seal_again(dict(files), tmp_path / "bad.zip"))[2].endswith("; 50 rows say so")
    dropped = json.loads(rows[0]["row"])
    dropped |= {"batch": batch["batch"], "kind": "partition_dropped", "payload": {"rows": 3}}
    rows[0]["row"] = json.dumps(dropped, sort_keys=True, separators=(",", ":"))
    put_lines(files, "ledger", rows)
    assert verify_packs([seal_again(files, tmp_path / "bad.zip")])["valid"]


def test_a_seal_that_does_not_continue_the_one_before_is_named(
    one_pack: Path, tmp_path: Path
) -> None:
    verifier = runpy.run_path(str(VERIFIER))
    files = unpack(one_pack)
    seals = lines_of(files, "seals")
    seals[1]["previous_hash"] = "ab" * 32
    said = {key: seals[1][key] for key in seals[1] if key != "seal_hash"}
    said["warehouse_id"] = json.loads(files["manifest.json"])["warehouse_id"]
    seals[1]["seal_hash"] = verifier["leaf_of"](verifier["plain_json"](said)).hex()
    put_lines(files, "seals", seals)
    found = fault_of(forge(files, tmp_path / "bad.zip"))
    assert found == ("seals.jsonl", 2, "seal 2 does not continue the seal before it")


def test_heads_are_a_beginning_of_the_last_and_none_is_left_out(
    row_of_packs: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    second = row_of_packs[1]
    files = unpack(second)
    heads = lines_of(files, "archive")
    assert len(heads) == 3 and heads[0]["consistency"]
    heads[0]["consistency"][0] = "ab" * 32
    put_lines(files, "archive", heads)
    found = fault_of(forge(files, tmp_path / "bad.zip"))
    assert found == ("archive.jsonl", 1, "head 1 is no beginning of the last one")
    put_lines(files, "archive", heads[1:])
    told = json.loads(files["manifest.json"])["archive"] | {"first_head": 2}
    assert verify_packs([forge(files, tmp_path / "bad.zip", archive=told)])["valid"]
    heads[0]["consistency"] = []
    put_lines(files, "archive", heads[:1])
    said = json.loads(heads[0]["message"])
    told |= {"first_head": 1, "last_head": 1, "tree_size": said["tree_size"], "root": said["root"]}
    found = fault_of(forge(files, tmp_path / "bad.zip", archive=told))
    assert found[0] == "archive.jsonl" and "head 2 is missing" in found[2]


def test_what_can_be_read_in_two_ways_is_refused(one_pack: Path, tmp_path: Path) -> None:
    files = unpack(one_pack)
    files["quality.jsonl"] = files["quality.jsonl"].replace(
        b'"failing":0', b'"failing":1,"failing":0'
    )
    found = fault_of(forge(files, tmp_path / "bad.zip"))
    assert found == ("quality.jsonl", 1, "is not a line of JSON")
    files = unpack(forge(unpack(one_pack), tmp_path / "bad.zip"))
    files["manifest.json"] = files["manifest.json"].replace(b'"plans": 4', b'"plans": 5')
    assert "tells 5 plans" in fault_of(sign_again(files, tmp_path / "bad.zip"))[2]
    files = unpack(one_pack)
    order = 2**252 + 27742317777372353535851937790883648493
    number = int.from_bytes(files["manifest.sig"][32:], "little") + order
    files["manifest.sig"] = files["manifest.sig"][:32] + number.to_bytes(32, "little")
    assert fault_of(repack(files, tmp_path / "bad.zip"))[0] == "manifest.sig"


def test_a_policy_text_of_another_digest_is_named(one_pack: Path, tmp_path: Path) -> None:
    files = unpack(one_pack)
    (name,) = (each for each in files if each.startswith("policy/") and each.endswith(".json"))
    files[name] = files[name].replace(b"P2Y", b"P9Y")
    assert fault_of(forge(files, tmp_path / "bad.zip"))[0] == name


# Seals and mails -------------------------------------------------------------------------------


def test_seals_and_mails_pin_the_history(one_pack: Path, tmp_path: Path) -> None:
    mails = tmp_path / "mails.txt"
    found = verify_packs([one_pack], heads=mails)
    assert found["valid"] and found["pinned"] and found["told"] >= 3
    seal = lines_of(unpack(one_pack), "seals")[2]["seal_hash"]
    assert verify_packs([one_pack], seal=seal)["valid"]
    assert "the seal that you named" in fault_of(one_pack, seal="ab" * 32)[2]
    text = mails.read_text().replace(" 4 ", " 3 ")
    mails.write_text(text)
    assert fault_of(one_pack, heads=mails)[:2] == ("seals.jsonl", 3)
    mails.write_text("Nothing here.")
    with pytest.raises(UsageError, match="no line"):
        verify_packs([one_pack], heads=mails)


def test_what_it_was_compared_with_is_told_and_what_that_leaves_unproven(
    one_pack: Path, tmp_path: Path
) -> None:
    def asked(**how: Any) -> tuple[set[str], list[str]]:
        found = verify_packs([one_pack], **how)
        (each,) = found["packs"]
        assert found["valid"]
        assert found["compared_with"] == each["compared_with"]
        return set(each["compared_with"]), each["not_proven"]

    (made_up,) = asked()[1]
    assert asked()[0] == set()
    assert "may have made up all of it" in made_up
    key = verify_packs([one_pack])["packs"][0]["fingerprint"]
    compared, unproven = asked(key=key)
    assert compared == {"key"}
    assert ["another history" in unproven[0], "is the one that was sent" in unproven[1]] == [
        True
    ] * 2
    told = (tmp_path / "mails.txt").read_text().splitlines()
    mails = tmp_path / "some.txt"
    for kinds, left in (
        (("evidence-key",), 2),
        (("ledger-seal",), 1),
        (("evidence-pack",), 0),
        (("evidence-key", "ledger-seal", "evidence-pack"), 0),
    ):
        kept = [line for line in told if any(f"lethe-{kind} " in line for kind in kinds)]
        mails.write_text("\n".join(kept))
        compared, unproven = asked(heads=mails)
        assert (compared, len(unproven)) == (set(kinds), left)


def test_a_report_that_came_with_a_mail_is_known_again_in_the_pack(
    one_pack: Path, tmp_path: Path
) -> None:
    from email.message import EmailMessage

    report = unpack(one_pack)["report/report.pdf"]
    mail = EmailMessage()
    mail.set_content("Voir ci-joint.")
    mail.add_attachment(report, maintype="application", subtype="pdf", filename="report.pdf")
    (tmp_path / "mail.eml").write_bytes(bytes(mail))
    (tmp_path / "report.pdf").write_bytes(report)
    for witness in ("mail.eml", "report.pdf"):
        found = verify_packs([one_pack], heads=tmp_path / witness)["packs"][0]
        assert found["compared_with"] == {"report": 1}
        assert "report/report.pdf is byte for byte the file that you have" in found["notes"]
        assert not any("that was sent" in what for what in found["not_proven"])
    (tmp_path / "report.pdf").write_bytes(report + b" ")
    with pytest.raises(UsageError, match="of a PDF only the report itself, unaltered"):
        verify_packs([one_pack], heads=tmp_path / "report.pdf")


def test_a_pack_is_no_witness_of_itself(one_pack: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(one_pack) as file:
        file.extractall(tmp_path / "open")
    for witness in (tmp_path / "open", tmp_path / "open" / "report"):
        with pytest.raises(UsageError, match="no line"):
            verify_packs([tmp_path / "open"], heads=witness)
        done = run_alone(tmp_path / "empty", str(tmp_path / "open"), "--heads", str(witness))
        assert done[0] == 2 and "Give the mail itself" in done[2]


def test_a_mail_is_read_whatever_its_encoding(one_pack: Path, tmp_path: Path) -> None:
    from email.message import EmailMessage

    text = (tmp_path / "mails.txt").read_text()
    folder = tmp_path / "old"
    folder.mkdir()
    for coding in ("base64", "quoted-printable", "8bit"):
        mail = EmailMessage()
        mail["Subject"] = "Rapport du délégué"
        mail.set_content(f"Où en est-on ?\n{text}\n", cte=coding)
        for old in folder.iterdir():
            old.unlink()
        (folder / "mail.eml").write_bytes(bytes(mail))
        assert verify_packs([one_pack], heads=folder)["told"] >= 3, coding
    (folder / "mail.eml").unlink()
    for before in (b"", b"\xd0"):  # Outlook keeps text in two bytes a letter, anywhere in a file
        (folder / "mail.msg").write_bytes(before + text.encode("utf-16-le"))
        assert verify_packs([one_pack], heads=folder)["told"] >= 3


def test_packs_in_a_row_tell_one_history_and_a_missing_one_is_noticed(
    row_of_packs: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    first, second, third = row_of_packs
    assert verify_packs([third, first, second])["valid"]
    notes = [each["notes"] for each in verify_packs([first, second, third])["packs"]]
    assert notes[0] == [] and all("before this pack" in note for note in notes[1] + notes[2])
    found = verify_packs([first, third])
    assert found["fault"]["pack"] == str(third) and "2026-06-02" in found["fault"]["what"]
    code, out, _ = run_alone(tmp_path / "empty", str(first), str(third))
    assert code == 1 and "which is not here" in out


def test_a_pack_that_was_made_again_after_the_fact_is_not_the_one_on_the_ledger(
    row_of_packs: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    first, second, third = row_of_packs
    files = unpack(first)
    files["report/summary.json"] = b'{"verdict": "never better"}\n'
    found = verify_packs([forge(files, tmp_path / "bad.zip"), second, third])
    assert "not the pack of that period" in found["fault"]["what"]


def test_an_approval_that_an_earlier_pack_does_not_tell_is_found(
    row_of_packs: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    first, second, _ = row_of_packs
    files = unpack(second)
    lines = lines_of(files, "approvals")
    made_up = {**lines[0], "row": 5, "seal": 2, "decided_by": "eva"}
    put_lines(files, "approvals", [*lines, made_up])
    bad = forge(files, tmp_path / "bad.zip")
    assert verify_packs([bad])["packs"][0]["notes"], "alone, it can only be pointed at"
    files = unpack(first)
    found = verify_packs([forge(files, tmp_path / "a.zip"), bad])["packs"]
    assert any("not among the decisions" in each["what"] for each in found[1]["faults"])


def test_a_row_cannot_go_back_to_hiding_its_kind(one_pack: Path, tmp_path: Path) -> None:
    files = unpack(one_pack)
    rows = lines_of(files, "ledger")
    shell = {name: rows[20][name] for name in ("at", "batch", "commitment", "id", "kind", "run_id")}
    text = json.dumps(shell, sort_keys=True, separators=(",", ":")).encode()
    leaf = hashlib.sha256(b"\0" + text).hexdigest()
    rows[20] = {"seal": rows[20]["seal"], "id": rows[20]["id"], "leaf": leaf}
    put_lines(files, "ledger", rows)
    assert fault_of(forge(files, tmp_path / "bad.zip")) == (
        "ledger.jsonl",
        21,
        "hides even its kind, after rows that do not",
    )


def test_a_usage_fault_is_told_as_such(one_pack: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not there"):
        verify_packs([tmp_path / "none.zip"])
    with pytest.raises(UsageError, match="64 hexadecimal"):
        verify_packs([one_pack], key="abc")
    assert run_alone(tmp_path / "empty", str(tmp_path / "none.zip"))[0] == 2
    if os.geteuid():
        one_pack.chmod(0)
        with pytest.raises(UsageError, match="cannot be read"):
            verify_packs([one_pack])
