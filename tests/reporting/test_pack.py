"""The pack of a period tells what a swept warehouse did, and names nobody."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import yaml
from lethe.cli.app import main
from lethe.connections import acting_as
from lethe.errors import ActError, TamperingFound, UsageError
from lethe.evidence import LedgerRow
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.canonical import commit_to
from lethe.evidence.pack_verify import verify_packs
from lethe.evidence.verify import verify_ledger
from lethe.guards.approval import record_decision
from lethe.reporting import pack as pack_module
from lethe.reporting.pack import make_pack, signer_fingerprint

from tests.kit import TODAY, Kit, MakeKit
from tests.packs import NEXT, lines_of, pack_of, unpack, work_night
from tests.packs import crowd as crowd


def test_a_pack_tells_plans_approvals_counts_seals_heads_checks_and_the_report(
    crowd: Kit, tmp_path: Path
) -> None:
    work_night(crowd)
    made = pack_of(crowd, tmp_path)
    files = unpack(made.path)
    manifest = json.loads(files["manifest.json"])
    assert (
        (made.first_seal_no, made.seal_no)
        == (1, 4)
        == (
            manifest["ledger"]["first_seal"],
            manifest["ledger"]["last_seal"],
        )
    )
    (approval,) = lines_of(files, "approvals")
    swept = [plan for plan in lines_of(files, "plans") if plan["rule"] == "gone"]
    assert {plan["digest"] for plan in swept} == {approval["digest"]}
    assert [(plan["state"], plan["planned"]) for plan in swept] == [
        ("superseded", 61),
        ("approved", 61),
    ]
    assert swept[0]["oldest_on"] == "2022-01-02" and approval["decided_by"] == "vera"
    assert [
        (each["table"], each["planned"], each["locked"], each["deleted"])
        for each in lines_of(files, "tables")
    ] == [("public.account", 50, 50, 50)]
    assert manifest["archive"]["tree_size"] == 7
    assert lines_of(files, "quality")[0]["state"] == "passed"
    assert files["report/summary.json"] == b'{"verdict": "kept"}\n'
    digest = crowd.loaded.digest
    assert files[f"policy/{digest}.yaml"] and files[f"policy/{digest}.json"]
    assert sorted(each.name for each in made.path.parent.iterdir()) == [made.path.name]


def test_nobody_is_named_and_no_token_leaves(crowd: Kit, tmp_path: Path) -> None:
    work_night(crowd)
    files = unpack(pack_of(crowd, tmp_path).path)
    tokens = crowd.erased_tokens()
    assert len(tokens) == 50
    secrets = {token.hex() for token in tokens}
    secrets |= {
        salt for (salt,) in crowd.execute("SELECT payload ->> 'blinding' FROM lethe.ledger") if salt
    }
    secrets |= {
        str(key) for (key,) in crowd.execute("SELECT DISTINCT key_id FROM lethe.ledger") if key
    }
    secrets |= {"@x.example", "Crowd", "Ann", "A-10"}
    everything = b"\n".join(files.values()).decode("utf-8", "replace")
    assert not [secret for secret in secrets if secret in everything]
    hidden = [row for row in lines_of(files, "ledger") if "row" not in row]
    assert len({row["commitment"] for row in hidden}) == 50
    shown = {"seal", "id", "at", "batch", "run_id", "kind", "commitment"}
    assert all(set(row) == shown for row in hidden)


def test_a_commitment_opens_for_the_person_whom_it_is_about(crowd: Kit, tmp_path: Path) -> None:
    """The company can show one row to the one whom it concerns, and it fits the pack."""
    work_night(crowd)
    lines = lines_of(unpack(pack_of(crowd, tmp_path).path), "ledger")
    told = {line["id"]: line.get("commitment") for line in lines}
    (row,) = crowd.execute(
        "SELECT id, batch::text, run_id::text, at, kind, subject_token, key_id::text,"
        " payload::text FROM lethe.ledger WHERE kind = 'subject_erased' ORDER BY id LIMIT 1"
    )
    commitment = commit_to(row)  # type: ignore[arg-type]
    assert commitment is not None and commitment.hex() == told[row[0]]


def test_the_next_pack_goes_on_where_this_one_ended_and_tells_it(
    crowd: Kit, tmp_path: Path
) -> None:
    work_night(crowd)
    first = pack_of(crowd, tmp_path)
    crowd.sweep(NEXT)  # after the report: its seal belongs to nobody's day if days alone counted
    work_night(crowd, NEXT)
    second = pack_of(crowd, tmp_path, NEXT)
    assert second.first_seal_no == (first.seal_no or 0) + 1
    manifest = json.loads(unpack(second.path)["manifest.json"])
    assert manifest["previous_pack"]["manifest_sha256"] == first.manifest_sha256
    told = [
        row
        for row in lines_of(unpack(second.path), "ledger")
        if "evidence_pack_signed" in row.get("row", "")
    ]
    assert len(told) == 1 and first.manifest_sha256 in told[0]["row"]
    assert verify_packs([first.path, second.path], key=first.key_fingerprint)["valid"]
    assert signer_fingerprint(crowd.site) == first.key_fingerprint


def test_a_pack_made_again_is_the_same_but_for_its_time(crowd: Kit, tmp_path: Path) -> None:
    work_night(crowd)
    one = unpack(pack_of(crowd, tmp_path / "one").path)
    other = unpack(pack_of(crowd, tmp_path / "other").path)
    differing = {name for name in one if one[name] != other[name]}
    assert one.keys() == other.keys() and differing == {"manifest.json", "manifest.sig"}
    ignored = {"made_at": None, "ledger": None}
    assert (
        json.loads(one["manifest.json"]) | ignored == json.loads(other["manifest.json"]) | ignored
    )


def test_a_period_without_a_night_has_an_empty_pack(crowd: Kit, tmp_path: Path) -> None:
    made = make_pack(crowd.site, "day", date(2020, 1, 1), date(2020, 1, 1), {}, tmp_path)
    assert (made.rows, made.seal_no, made.seal_hash) == (0, None, None)
    assert verify_packs([made.path])["valid"]
    work_night(crowd)
    work_night(crowd, NEXT)  # the night before it has no pack: nothing of it gets lost
    later = make_pack(crowd.site, "day", NEXT, NEXT, {}, tmp_path)
    assert later.first_seal_no == 1
    found = verify_packs([made.path, later.path])
    assert found["valid"] and "no pack stands between" in found["packs"][1]["notes"][-1]


def test_the_month_holds_the_nights_of_its_days(crowd: Kit, tmp_path: Path) -> None:
    work_night(crowd)
    work_night(crowd, NEXT)
    made = make_pack(crowd.site, "month", date(2026, 6, 1), date(2026, 6, 30), {}, tmp_path)
    assert made.path.name == "lethe-evidence-small-2026-06.zip"
    runs = lines_of(unpack(made.path), "runs")
    assert {run["as_of"] for run in runs} == {"2026-06-01", "2026-06-02"}


def test_a_ledger_that_was_tampered_with_gives_no_pack(crowd: Kit, tmp_path: Path) -> None:
    work_night(crowd)
    crowd.execute(
        "ALTER TABLE lethe.ledger DISABLE TRIGGER ALL;"
        'UPDATE lethe.ledger SET payload = payload || \'{"by": "eva"}\''
        " WHERE kind = 'plan_approved';"
        "ALTER TABLE lethe.ledger ENABLE ALWAYS TRIGGER refuse_change"
    )
    with pytest.raises(TamperingFound, match=r"ledger\.jsonl:\d+: of the rows"):
        pack_of(crowd, tmp_path)
    assert not list((tmp_path / "packs").iterdir())


def test_a_set_that_was_approved_for_two_runs_at_once_is_told_twice(
    crowd: Kit, tmp_path: Path
) -> None:
    crowd.sweep()
    with crowd.site.connected("approver") as connection:
        acting_as(connection, "approver")
        (digest,) = crowd.execute("SELECT digest FROM lethe.plan_rule WHERE rule = 'gone'")[0]
        evidence = EvidenceBatch(connection, None, None)
        for _ in range(2):
            record_decision(
                connection,
                digest=bytes(digest),
                policy_digest=crowd.site.digest,
                decision="approve",
                decided_by="vera",
                rule="gone",
            )
            told = {"rule": "gone", "digest": bytes(digest).hex(), "by": "vera"}
            evidence.add_rows([LedgerRow("plan_approved", told)])
        evidence.commit()
    crowd.sweep()
    approvals = lines_of(unpack(pack_of(crowd, tmp_path).path), "approvals")
    assert len({each["row"] for each in approvals}) == len(approvals) == 2


def test_an_approval_that_came_around_the_ledger_gives_no_pack(crowd: Kit, tmp_path: Path) -> None:
    work_night(crowd)
    crowd.execute(
        "INSERT INTO lethe.approval (run_id, rule, digest, policy_digest, decision, decided_by)"
        " SELECT run_id, rule, digest, policy_digest, 'approve', 'mallory' FROM lethe.approval"
    )
    with pytest.raises(TamperingFound, match="never came onto the ledger"):
        pack_of(crowd, tmp_path)


def test_rows_whose_period_ended_stay_as_they_were_told(crowd: Kit, tmp_path: Path) -> None:
    from datetime import UTC, datetime

    from lethe.evidence.expire import expire_ledger_rows

    work_night(crowd)
    before = lines_of(unpack(pack_of(crowd, tmp_path / "one").path), "ledger")
    with crowd.site.connected("owner") as connection:
        assert expire_ledger_rows(connection, datetime.now(UTC)) == 50
    after = lines_of(unpack(pack_of(crowd, tmp_path / "other").path), "ledger")
    assert after == before


def test_a_crash_before_the_ledger_row_leaves_no_pack_and_the_next_try_makes_it(
    crowd: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work_night(crowd)

    def fail(*_: Any) -> None:
        raise psycopg2.OperationalError("gone")

    with monkeypatch.context() as broken:
        broken.setattr(pack_module, "_register", fail)
        with pytest.raises(psycopg2.OperationalError):
            pack_of(crowd, tmp_path)
    assert not list((tmp_path / "packs").glob("*.zip"))
    assert verify_packs([pack_of(crowd, tmp_path).path])["valid"]
    with crowd.site.connected("reader") as connection:
        assert verify_ledger(connection).faults == ()


def test_bad_calls_are_refused(crowd: Kit, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no day"):
        make_pack(crowd.site, "day", TODAY, NEXT, {}, tmp_path)
    with pytest.raises(UsageError, match="cannot be the name"):
        make_pack(crowd.site, "day", TODAY, TODAY, {"../x": tmp_path / "x"}, tmp_path)
    with pytest.raises(ActError, match="cannot be read"):
        make_pack(crowd.site, "day", TODAY, TODAY, {"x.pdf": tmp_path / "none"}, tmp_path)


def test_the_commands_make_and_verify(
    crowd: Kit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work_night(crowd)
    policy = tmp_path / "small.yaml"
    policy.write_text(yaml.safe_dump(crowd.loaded.document.data), encoding="utf-8")
    common = ["--dsn", crowd.dsn, "--policy", str(policy), "--as-of", f"{TODAY}"]
    made = ["evidence", "pack", "--period", "day", "--output", str(tmp_path), *common, "--json"]
    assert main(made) == 0
    document = json.loads(capsys.readouterr().out)
    key = document["key_fingerprint"]
    assert main(["evidence", "verify", document["path"], "--key", key]) == 0
    assert "valid: small, day 2026-06-01" in capsys.readouterr().out
    assert main(["evidence", "verify", document["path"], "--key", "ab" * 32, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["fault"]["file"] == "manifest.json" and "another key" in found["fault"]["what"]
    assert main(["evidence", "verify", str(tmp_path / "none.zip")]) == 2
    assert capsys.readouterr().err == f"lethe: {tmp_path / 'none.zip'} is not there\n"


def test_a_whole_partition_that_was_dropped_is_told_by_its_count(
    make_kit: MakeKit, tmp_path: Path
) -> None:
    from tests.erasure.test_partitions import DDL, POLICY

    kit = make_kit(DDL, POLICY)
    kit.sweep()
    files = unpack(make_pack(kit.site, "day", TODAY, TODAY, {}, tmp_path).path)
    shown = [json.loads(row["row"]) for row in lines_of(files, "ledger") if "row" in row]
    gone = [row["payload"]["rows"] for row in shown if row["kind"] == "partition_dropped"]
    erased = [row for row in lines_of(files, "ledger") if row.get("kind") == "subject_erased"]
    (closed,) = (row["payload"] for row in shown if row["kind"] == "sweep_closed")
    assert gone and sum(gone) + len(erased) == closed["rules"]["r"]["done"]
