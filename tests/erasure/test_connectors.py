"""Files that erased rows name are destroyed, confirmed and counted; and no other file ever is."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from lethe.erasure.connectors import (
    Fulfilled,
    fulfil_intents,
    naming_columns,
    open_intents,
)
from lethe.erasure.stores import Folder, ObjectStore, Outside
from lethe.evidence.acting import open_witness_of

from tests.kit import Kit, MakeKit

TABLES = """
CREATE TABLE person (id int PRIMARY KEY, ended_on date, proof text);
INSERT INTO person VALUES (1, '2020-01-01', 'a/1.pdf'), (2, '2020-01-01', 'a/2.pdf'),
    (3, '2026-01-01', 'a/3.pdf'), (4, '2020-01-01', NULL), (5, '2020-01-01', '../secret.txt'),
    (6, '2020-01-01', 'link/6.pdf');
"""
POLICY = """
subjects: {person: {table: public.person, key: id}}
clusters: {c: {subject: person}}
rules: {r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}}
tables:
  public.person:
    cluster: c
    columns: {proof: {class: content, file_reference: proofs}}
systems:
  proofs:
    {title: Proofs, kind: file_store, owner: it, connector: {kind: folder, location: proofs}}
"""


@pytest.fixture
def kit(make_kit: MakeKit) -> Kit:
    kit = make_kit(TABLES, POLICY)
    folder = kit.home / "proofs"
    (folder / "a").mkdir(parents=True)
    for number in (1, 3):
        (folder / "a" / f"{number}.pdf").write_text("proof", encoding="utf-8")
    (kit.home / "elsewhere").mkdir()
    (kit.home / "elsewhere" / "6.pdf").write_text("proof", encoding="utf-8")
    (folder / "link").symlink_to(kit.home / "elsewhere")
    (kit.home / "secret.txt").write_text("secret", encoding="utf-8")
    return kit


def fulfil(kit: Kit) -> Fulfilled:
    with kit.site.connected("runner") as connection:
        witness = open_witness_of(kit.site, connection)
        policy = kit.loaded.policy
        return fulfil_intents(connection, policy.systems, witness, named_in=naming_columns(policy))


def targets(kit: Kit) -> list[tuple[Any, ...]]:
    return kit.execute("SELECT outcome, target, last_error FROM lethe.outbox ORDER BY 1, 2")


def test_files_of_the_erased_go_and_nothing_else_however_it_is_named(kit: Kit) -> None:
    assert kit.outcome(kit.sweep()) == {"erased": 5}
    assert fulfil(kit).of("proofs") == {"done": 1, "absent": 1, "quarantined": 2}
    assert [path.name for path in (kit.home / "proofs" / "a").iterdir()] == ["3.pdf"]
    assert (kit.home / "secret.txt").exists()
    assert (kit.home / "elsewhere" / "6.pdf").exists()
    assert targets(kit) == [
        ("absent", None, None),
        ("done", None, None),
        ("quarantined", "../secret.txt", "Outside: a path that leads out"),
        ("quarantined", "link/6.pdf", "Outside: a link or a file on the way"),
    ]
    ledger = kit.execute(
        "SELECT kind, payload ->> 'outcome', payload ->> 'files' FROM lethe.ledger"
        " WHERE kind LIKE 'files%%' ORDER BY 1, 2"
    )
    assert ledger == [
        ("files_destroyed", "absent", "1"),
        ("files_destroyed", "done", "1"),
        ("files_set_aside", "quarantined", "2"),
    ]
    assert fulfil(kit).files == {}


def test_a_file_that_a_living_row_still_names_goes_with_the_last_of_them(kit: Kit) -> None:
    kit.execute("UPDATE person SET proof = 'a/1.pdf' WHERE id = 3")
    kit.sweep()
    assert fulfil(kit).of("proofs")["kept"] == 1
    assert (kit.home / "proofs" / "a" / "1.pdf").exists()
    assert ("kept", None, None) in targets(kit)
    kit.execute("UPDATE person SET ended_on = '2020-01-01' WHERE id = 3")
    kit.sweep(date(2026, 6, 2))
    assert fulfil(kit).of("proofs") == {"done": 1}
    assert not (kit.home / "proofs" / "a" / "1.pdf").exists()


@pytest.mark.parametrize(
    "written",
    ["./a/1.pdf", "a//1.pdf", "a/./1.pdf", ".//a/././1.pdf", "b/../a/1.pdf", "{folder}/a/1.pdf"],
)
def test_a_living_row_names_its_file_however_it_writes_the_path(kit: Kit, written: str) -> None:
    path = written.replace("{folder}", str(kit.home / "proofs"))
    kit.execute("UPDATE person SET proof = %s WHERE id = 3", (path,))
    kit.sweep()
    assert fulfil(kit).of("proofs")["kept"] == 1
    assert (kit.home / "proofs" / "a" / "1.pdf").exists()


def test_a_due_row_that_writes_the_path_otherwise_keeps_the_file_of_the_living(kit: Kit) -> None:
    kit.execute("UPDATE person SET proof = './/a/1.pdf' WHERE proof = 'a/1.pdf'")
    kit.execute("UPDATE person SET proof = 'a/1.pdf' WHERE id = 3")
    kit.sweep()
    assert fulfil(kit).of("proofs")["kept"] == 1
    assert (kit.home / "proofs" / "a" / "1.pdf").exists()


def test_a_folder_that_is_not_mounted_is_tried_again_later_and_later(kit: Kit) -> None:
    kit.sweep()
    (kit.home / "proofs").rename(kit.home / "away")
    assert fulfil(kit).of("proofs") == {"failed": 3, "quarantined": 1}
    assert fulfil(kit).files == {}
    waiting = "SELECT DISTINCT last_error, next_attempt_at > now() FROM lethe.outbox"
    assert kit.execute(waiting + " WHERE outcome IS NULL") == [("FileNotFoundError", True)]
    with kit.site.connected("reader") as connection:
        assert open_intents(connection) == {"proofs": {"open": 3, "quarantined": 1}}
    (kit.home / "away").rename(kit.home / "proofs")
    kit.execute("UPDATE lethe.outbox SET next_attempt_at = now()")
    assert fulfil(kit).of("proofs") == {"done": 2, "quarantined": 1}


def test_a_crash_between_the_act_and_its_confirmation_is_made_good(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit.sweep()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("lethe.erasure.connectors._confirm", killed)
        fulfil(kit)
    assert not (kit.home / "proofs" / "a" / "1.pdf").exists()
    kit.execute("UPDATE lethe.outbox SET next_attempt_at = now()")
    assert fulfil(kit).of("proofs") == {"done": 2, "quarantined": 2}


@pytest.mark.parametrize(
    "target", ["", ".", "..", "a/../../x", "/etc/hostname", "a/\x00b", "dir", "pipe", "link.txt"]
)
def test_a_target_that_is_no_plain_file_inside_is_never_touched(
    tmp_path: Path, target: str
) -> None:
    folder = tmp_path / "store"
    (folder / "dir").mkdir(parents=True)
    (tmp_path / "x").write_text("x", encoding="utf-8")
    (folder / "link.txt").symlink_to(tmp_path / "x")
    os.mkfifo(folder / "pipe")
    with pytest.raises(Outside):
        Folder(folder).destroy(target)
    assert (tmp_path / "x").exists()
    assert (folder / "dir").is_dir()


def test_an_absolute_path_inside_the_folder_is_the_file(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x", encoding="utf-8")
    assert Folder(tmp_path).destroy(str(tmp_path / "f")) == "done"
    assert Folder(tmp_path).destroy("f") == "absent"


def test_an_object_store_is_reached_through_airflow(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "f").write_text("x", encoding="utf-8")
    store = ObjectStore(f"file://{tmp_path}", None)
    assert store.destroy("a/f") == "done"
    assert store.destroy(f"file://{tmp_path}/a/f") == "absent"
    for target in ("../x", "s3://other/x", "/x", "", "a"):
        with pytest.raises(Outside):
            store.destroy(target)
    with pytest.raises(OSError, match="not there"):
        ObjectStore(f"file://{tmp_path}/nowhere", None).destroy("f")
