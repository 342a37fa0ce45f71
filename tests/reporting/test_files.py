"""All files of a report, made from a real warehouse; nothing in them is about anybody."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from lethe.archive.old_mails import parse_heads
from lethe.errors import ActError
from lethe.include import include_folder
from lethe.reporting import files
from lethe.reporting.files import attachments, languages_of, make_report, read_report
from lethe.reporting.json_form import summary_from_json
from lethe.reporting.mail.message import Envelope, build_message

from tests.kit import TODAY, Kit, MakeKit
from tests.reporting.examples import KEPT
from tests.reporting.test_build import DDL, POLICY

NOON = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)
HEAD = (
    f"lethe-archive-head 1 0197a1b2-0000-4000-8000-000000000001 88 120411 {'5ac0' * 16} "
    f"2026-05-31T23:31:04.000000Z {'Ab+/' * 21}Aw=="
)
PLANTED = ("anna", "schmit", "nobody.knows", "+352 621 555", "Zoé Ünderberg")


@pytest.fixture
def kit(make_kit: MakeKit) -> Kit:
    kit = make_kit(DDL, POLICY)
    kit.execute("UPDATE shop.customer SET email = email || ' Zoé Ünderberg +352 621 555'")
    return kit


def test_a_day_has_all_its_files_and_the_page_its_summary(kit: Kit, tmp_path: Path) -> None:
    kit.sweep()
    made = make_report(kit.site, "day", TODAY, NOON, tmp_path / "out")
    names = {file.name for file in made.files}
    assert {"summary.json", "report.fr.html", "report.fr.txt", "report.fr.pdf"} <= names
    assert {"figures.csv", "record-of-processing.fr.pdf", "record-of-processing.fr.html"} <= names
    assert made.pack is not None and made.pack.suffix == ".zip"
    assert "report.en.html" not in names, "the policy names a French reader alone"
    stored = kit.execute("SELECT document FROM lethe.summary")
    assert summary_from_json(stored[0][0]) == made.summary
    page = (tmp_path / "out" / "report.fr.html").read_text()
    assert 'lang="fr"' in page
    assert 'src="cid:' not in page


def test_what_was_made_is_read_back_so_that_sending_later_says_the_same(kit: Kit) -> None:
    kit.sweep()
    made = make_report(kit.site, "month", TODAY, NOON)
    assert made.folder == kit.home / "reports" / "month-2026-06"
    back = read_report(made.folder)
    assert (back.summary, back.lines, back.pack) == (made.summary, made.lines, made.pack)
    assert any(line.startswith("lethe-evidence-pack 1 ") for line in back.lines)
    sent = [file.name for file in attachments(back, "fr")]
    assert sent[0] == "report.fr.pdf" and sent[-1].endswith(".zip")


def test_without_a_pack_the_report_goes_out_and_says_why(
    kit: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: Any) -> None:
        raise ActError("the ledger could not be read")

    kit.sweep()
    monkeypatch.setattr(files, "make_pack", refuse)
    made = make_report(kit.site, "day", TODAY, NOON, tmp_path)
    assert made.pack is None
    assert made.no_pack == "the ledger could not be read"
    assert [each.code for each in made.summary.alarms] == ["no_pack"]
    assert (made.summary.verdict, made.summary.needs) == ("needs_you", 1)
    text = " ".join((tmp_path / "report.fr.txt").read_text().split())
    assert text.startswith("1 point est à regarder.")
    assert "Le dossier de preuves de cette période n’a pas pu être établi" in text
    assert "La cause (en anglais) : the ledger could not be read" in text
    stored = kit.execute("SELECT document FROM lethe.summary")
    assert summary_from_json(stored[0][0]) == made.summary


@pytest.mark.parametrize("form", ["eml", "txt", "html"])
def test_the_lines_of_a_saved_mail_are_read_by_both_verifiers(
    kit: Kit, tmp_path: Path, form: str
) -> None:
    kit.sweep()
    made = make_report(kit.site, "month", TODAY, NOON, tmp_path / "out")
    summary = replace(made.summary, archive=replace(KEPT.archive, line=HEAD))
    mail = kit.loaded.policy.mail
    assert mail is not None
    envelope = Envelope(mail, mail.recipients[0], "<1@example.org>", 0, None, NOON)
    message = build_message(summary, envelope, lines=made.lines)
    mails = tmp_path / "mails"
    mails.mkdir()
    saved = mails / f"saved.{form}"
    if form == "eml":
        saved.write_bytes(message.as_bytes())
    else:
        part = message.get_body(("plain" if form == "txt" else form,))
        saved.write_text(part.get_content(), encoding="utf-8")
    (head,) = set(parse_heads([saved.read_text(encoding="utf-8")]))
    assert (head.head_no, head.tree_size) == (88, 120411)
    assert made.pack is not None
    command = [sys.executable, "-I", "-S", include_folder() / "templates" / "verify.py"]
    asked = [*command, made.pack, "--heads", mails, "--json"]
    answer = json.loads(subprocess.run(asked, capture_output=True, check=True, text=True).stdout)
    assert answer["valid"]
    assert answer["told"] == 3, "the key, the newest seal and this very pack"


def test_the_text_of_a_report_holds_every_line_of_its_proofs(kit: Kit, tmp_path: Path) -> None:
    kit.sweep()
    made = make_report(kit.site, "day", TODAY, NOON, tmp_path)
    proofs = (tmp_path / "proofs.txt").read_text().splitlines()
    assert len(proofs) == 3
    for name in ("report.fr.html", "report.fr.txt"):
        text = (tmp_path / name).read_text()
        assert all(line in text for line in proofs), name
    assert made.pack is not None
    with zipfile.ZipFile(made.pack) as pack:
        inside = pack.read("report/report.fr.txt").decode()
    assert "lethe-ledger-seal 1 " in inside and "lethe-evidence-key 1 " in inside
    assert "lethe-evidence-pack 1 " not in inside, "a pack cannot hold its own digest"
    said = " ".join(inside.split())
    assert "la ligne lethe-evidence-pack manque" in said, "and says where it stands"
    assert "lethe-evidence-pack est l’empreinte" in " ".join(text.split())


def test_a_ledger_that_does_not_verify_is_the_first_thing_that_the_report_says(
    kit: Kit, tmp_path: Path
) -> None:
    kit.sweep()
    before = make_report(kit.site, "day", TODAY, NOON, tmp_path)
    assert before.pack is not None
    kit.execute("ALTER TABLE lethe.ledger DISABLE TRIGGER USER")
    kit.execute(
        "UPDATE lethe.ledger SET payload = payload || '{\"undone\": 1}' WHERE kind = 'batch_done'"
    )
    after = make_report(kit.site, "day", TODAY, NOON, tmp_path)
    assert after.is_tampered and after.pack is None
    assert after.summary.alarms[0].code == "tampered"
    assert after.summary.verdict == "needs_you"
    assert not list(tmp_path.glob("*.zip")), "the pack of before must not pass for this one's"
    text = (tmp_path / "report.fr.txt").read_text()
    assert "Le registre ne se vérifie pas" in text
    assert read_report(tmp_path).summary == after.summary


def test_nobody_is_named_in_any_file(kit: Kit, tmp_path: Path) -> None:
    kit.sweep()
    made = make_report(kit.site, "month", TODAY, NOON, tmp_path)
    looked_at = 0
    for name, content in contents(made.files):
        looked_at += 1
        for planted in PLANTED:
            for form in (planted, planted.lower(), json.dumps(planted)[1:-1]):
                assert form.encode() not in content, f"{form} in {name}"
    assert looked_at > 10


def contents(found: tuple[Path, ...]) -> Any:
    for file in found:
        if file.suffix == ".zip":
            with zipfile.ZipFile(file) as pack:
                for name in pack.namelist():
                    yield f"{file.name}/{name}", pack.read(name)
        else:
            yield file.name, file.read_bytes()


def test_the_month_of_the_report_ends_with_the_day_asked_for(kit: Kit, tmp_path: Path) -> None:
    kit.sweep()
    made = make_report(kit.site, "month", TODAY, NOON, tmp_path)
    assert (made.summary.first, made.summary.last) == (date(2026, 6, 1), TODAY)


def test_without_recipients_both_languages_are_written(kit: Kit) -> None:
    policy = kit.under(POLICY.partition("\nmail:")[0]).loaded.policy
    assert list(languages_of(policy)) == ["en", "fr"]
