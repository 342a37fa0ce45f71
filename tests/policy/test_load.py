"""Loading a policy file: what is read, where it stands, and what is said about faults."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from lethe.errors import PolicyError
from lethe.policy.diff import diff_policies
from lethe.policy.digest import policy_digest
from lethe.policy.load import load_model, load_policy, parse_policy
from lethe.policy.model import Policy
from lethe.policy.periods import Period
from lethe.policy.yaml_document import MOST_BYTES, parse_document
from pydantic import BaseModel, ConfigDict, Field

HERE = Path(__file__).parent
SMALLEST = HERE / "smallest.yaml"
FAULTS = sorted((HERE / "faults").glob("*.yaml"))


def faults_of(load, *arguments):
    with pytest.raises(PolicyError) as caught:
        load(*arguments)
    assert caught.value.exit_code == 2
    return [str(fault) for fault in caught.value.faults]


# Every kind of fault


def expected_of(file: Path) -> list[str]:
    head = file.read_text(encoding="utf-8", errors="replace").splitlines()
    return [line.removeprefix("# expect: ") for line in head if line.startswith("# expect: ")]


@pytest.mark.parametrize("file", FAULTS, ids=lambda file: file.stem)
def test_every_example_of_a_fault_gives_the_messages_of_its_first_lines_and_no_other(file):
    expected = expected_of(file)
    assert expected, "the first line of an example is '# expect: ' and the message"
    found = [fault.removeprefix(f"{file}:").strip() for fault in faults_of(load_policy, file)]
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("file", FAULTS, ids=lambda file: file.stem)
def test_no_message_speaks_of_the_tools_inside(file):
    for message in faults_of(load_policy, file):
        for word in ("Input", "pydantic", "Traceback", "literal", "<class", "None", "dictionary"):
            assert word not in message


# What is read


def test_the_smallest_policy_is_read():
    loaded = load_policy(SMALLEST)
    assert loaded.policy.rules["inactive"].period == Period(years=2)
    assert loaded.policy.policy.effective_from == date(2026, 1, 1)


def test_a_fault_found_later_gets_the_line_of_its_place_or_of_the_nearest_above():
    loaded = load_policy(SMALLEST)
    lines = SMALLEST.read_text().splitlines()
    place = ("rules", "inactive", "starting_point", "latest", 0, "column")
    assert "last_service_ended_on" in lines[loaded.line_of(place) - 1]
    fault = loaded.fault(("tables", "crm.customer", "columns", "phone"), "it has no such column")
    assert lines[fault.line - 1].strip().startswith("columns:")
    assert fault.path == "tables.crm.customer.columns.phone"
    assert loaded.line_of(("nowhere",)) == loaded.line_of(()) == 2


def test_a_table_is_found_however_the_file_quotes_its_name():
    text = SMALLEST.read_text().replace("  crm.customer:", "  '\"crm\".customer':")
    loaded = parse_policy(text)
    place = ("tables", "crm.customer", "columns")
    assert text.splitlines()[loaded.line_of(place) - 1].strip().startswith("columns:")


def test_null_and_true_are_words_where_they_name_a_choice():
    text = SMALLEST.read_text()
    for word in ("null", "not null", "true", "false", '"null"'):
        where = f"    where: {{column: deleted_at, is: {word}}}\n"
        loaded = parse_policy(
            text.replace("    key: customer_id\n", "    key: customer_id\n" + where)
        )
        assert loaded.policy.subjects["customer"].where[0].is_ == word.strip('"')


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("NO", "NO"),
        ("no", "no"),
        ("on", "on"),
        ("y", "y"),
        ("true", True),
        ("FALSE", False),
        ("22:30", "22:30"),
        ("190:20:30", "190:20:30"),
        ("2026-05-31", "2026-05-31"),
        ("12", 12),
        ("-3", -3),
        ("+3", 3),
        ("0", 0),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1e999", "1e999"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("9" * 30, "9" * 30),
        ("null", None),
        ("~", None),
        ("", None),
        ('"null"', "null"),
        ("'12'", "12"),
        ("!!str 12", "12"),
        ("=", "="),
    ],
)
def test_a_plain_value_is_read_as_it_looks(written, read):
    document = parse_document(f"value: {written}\n", "x.yaml")
    assert document.data == {"value": read}
    assert type(document.data["value"]) is type(read)
    assert document.faults == ()


@pytest.mark.parametrize("written", ["010", "007", "1_000", "0x1F", "0o17", "0b11", "-012", "0_1"])
def test_a_number_that_readers_of_yaml_read_differently_is_refused(written):
    (fault,) = parse_document(f"a:\n  value: {written}\n", "x.yaml").faults
    assert str(fault).startswith(f"x.yaml:2: a.value: readers of YAML disagree about {written};")
    assert parse_document(f"value: '{written}'", "x.yaml").faults == ()


def test_keys_are_text_as_they_are_written():
    document = parse_document("NO: 1\ntrue: 2\n12: 3\nnull: 4\n2026-01-01: 5\n", "x.yaml")
    assert list(document.data) == ["NO", "true", "12", "null", "2026-01-01"]


def test_anchors_aliases_and_merged_defaults_are_written_out():
    text = """
defaults: &defaults {period: P2Y, days: [1, 2]}
more: &more {period: P9Y, colour: red}
one: *defaults
two:
  <<: [*defaults, *more]
  days: [3]
"""
    document = parse_document(text, "x.yaml")
    assert document.data["one"] == {"period": "P2Y", "days": [1, 2]}
    assert document.data["two"] == {"period": "P2Y", "days": [3], "colour": "red"}
    assert document.line_of(("one", "period")) == 2
    assert document.line_of(("two", "colour")) == 3
    assert document.line_of(("two", "days", 0)) == 7


SCIENTIFIC = re.compile(r"[-+]?[0-9.]+e[-+]?[0-9]+", re.IGNORECASE)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    # 1e3 is text to a writer of YAML 1.1, and a number to a reader of 1.2.
    | st.text(max_size=20).filter(lambda text: not SCIENTIFIC.fullmatch(text))
    | st.sampled_from(["NO", "null", "~", "12:30", "2026-01-01", "<<", "", "0", "- a", "a: b", "#"])
)


@given(
    st.recursive(
        scalars,
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
        ),
        max_leaves=20,
    )
)
def test_whatever_a_writer_of_yaml_writes_is_read_back(data):
    text = yaml.safe_dump({"data": data})
    assert parse_document(text, "x.yaml").data == {"data": data}


# Hostile and broken files


def test_an_alias_bomb_is_refused_before_it_unfolds(tmp_path):
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 6)]
    (tmp_path / "bomb.yaml").write_text("\n".join(levels))
    (fault,) = faults_of(load_policy, tmp_path / "bomb.yaml")
    assert fault.endswith("unfolds to more than 250000 values")


def test_a_file_nested_without_end_is_refused():
    for text in ("[" * 100_000, "a: " + "[" * 70 + "]" * 70, "- " * 5_000):
        (fault,) = faults_of(parse_policy, text)
        assert fault.startswith("policy.yaml:1: ")


def test_a_file_that_is_too_large_is_refused(tmp_path):
    (tmp_path / "large.yaml").write_bytes(b"#" * (MOST_BYTES + 1))
    (fault,) = faults_of(load_policy, tmp_path / "large.yaml")
    assert fault.endswith("large.yaml: is larger than 4 MiB; split it")


def test_text_that_is_not_utf_8_is_refused_with_its_line(tmp_path):
    file = tmp_path / "latin.yaml"
    file.write_bytes("a: 1\ntitle: Données\n".encode("latin-1"))
    (fault,) = faults_of(load_policy, file)
    assert fault == f"{file}:2: byte 0xe9 is not UTF-8; save the file as UTF-8"
    file.write_bytes(SMALLEST.read_text().encode("utf-16"))
    assert "is not UTF-8" in faults_of(load_policy, file)[0]


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path):
    file = tmp_path / "windows.yaml"
    text = SMALLEST.read_text()
    file.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert load_policy(file).digest == load_policy(SMALLEST).digest
    file.write_bytes(text.replace("\n", "\r\n").replace("P2Y", "2 years").encode())
    line = 1 + text[: text.index("P2Y")].count("\n")
    assert faults_of(load_policy, file)[0].startswith(f"{file}:{line}: rules.inactive.period:")


def test_a_control_character_is_refused_with_its_line():
    (fault,) = faults_of(parse_policy, "a: 1\nb: \x07\n")
    assert fault == "policy.yaml:2: the control character U+0007 stands here; remove it"


def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path):
    missing = tmp_path / "missing.yaml"
    (fault,) = faults_of(load_policy, missing)
    assert fault == (
        f"{missing}: cannot be read (No such file or directory); name a file that exists"
    )
    (fault,) = faults_of(load_policy, tmp_path)
    assert fault.startswith(f"{tmp_path}: cannot be read (Is a directory)")


@given(st.text(max_size=60))
def test_no_text_ends_in_anything_but_faults(text):
    faults_of(parse_policy, text)


@given(st.data())
def test_no_single_change_of_a_policy_ends_in_anything_but_faults(data):
    text = SMALLEST.read_text()
    at = data.draw(st.integers(0, len(text) - 1))
    change = data.draw(
        st.sampled_from(["", "\t", "'", '"', "{", "]", ": ", "- ", "&a ", "*a", "\n"])
    )
    length = data.draw(st.integers(0, 12))
    try:
        parse_policy(text[:at] + change + text[at + length :])
    except PolicyError as error:
        assert error.faults


# Any model


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class Email(Strict):
    kind: Literal["email"]
    address: str
    """Where it goes."""
    copies: tuple[str, ...] = ()


class Letter(Strict):
    kind: Literal["letter"]
    street: str
    floor: int | None = None


class Parcel(Strict):
    weight: float
    to: str


class Bag(Strict):
    colour: Literal["red", "blue"]


class Post(Strict):
    told: Annotated[Email | Letter, Field(discriminator="kind")] | None = None
    sent: Parcel | Bag | str | list[str] | None = None
    on: date | None = None
    days: int = 1


def post_faults(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "post.yaml"
    file.write_text(text)
    return [fault.removeprefix(f"{file}:") for fault in faults_of(load_model, file, Post)]


def test_any_model_can_be_loaded(tmp_path):
    (tmp_path / "post.yaml").write_text("told: {kind: email, address: a}\nsent: [a, b]\n")
    loaded = load_model(tmp_path / "post.yaml", Post)
    assert loaded.model.sent == ["a", "b"]
    assert loaded.line_of(("sent", 1)) == 2


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("sent: {weight: heavy, to: me}", "sent.weight: should be a number, not 'heavy'"),
        ("sent: {colour: green}", "sent.colour: 'green' is not one of: red, blue"),
        ("sent: {weight: 1.5, too: me}", "sent.too: unknown key; did you mean 'to'?"),
        ("sent: [a, 7]", 'sent[1]: should be text; write it in quotes: "7"'),
        (
            "sent: 12",
            "sent: should be a mapping (key: value), text, or a list (- item), not 12",
        ),
        ("told: {kind: letter}", "told: key 'street' is missing"),
        ("told: {kind: email}", "told: key 'address' is missing: Where it goes"),
        (
            "told: {kind: letter, street: a, floor: x}",
            "told.floor: should be a whole number, not 'x'",
        ),
        ("told: {kind: fax}", "told: kind 'fax' is not one of: email, letter"),
        ("told: {street: a}", "told: key 'kind' is missing; it is one of: email, letter"),
        ("days: '12'", "days: should be a whole number; write it without quotes: 12"),
        ("days: 1.5", "days: should be a whole number, not 1.5"),
        ("days: true", "days: should be a whole number, not true"),
        ("on: 20260101", "on: should be a date such as 2026-05-31, not 20260101"),
        ("on: '20260101'", "on: should be a date such as 2026-05-31, not '20260101'"),
        (
            "on: 2026-01-01T00:00:00",
            "on: should be a date such as 2026-05-31, not '2026-01-01T00:00:00'",
        ),
    ],
)
def test_one_mistake_gives_one_sentence(tmp_path, text, fault):
    assert post_faults(tmp_path, text) == [f"1: {fault}"]


# The fingerprint


def test_the_digest_follows_what_the_policy_says_and_not_how_it_is_written():
    text = SMALLEST.read_text()
    same = [
        "# A comment\n" + text,
        text.replace("rules: inactive", "rules: [inactive]"),
        text.replace("  name: example\n", "").replace("policy:\n", "policy:\n  name: 'example'\n"),
        text + "guards: {}\n",
        text + "guards: {cap: {subjects: 1000}}\n",
    ]
    assert {parse_policy(each).digest for each in same} == {load_policy(SMALLEST).digest}
    other = [text.replace("P2Y", "P3Y"), text + "guards: {cap: {subjects: 999}}\n"]
    assert len({parse_policy(each).digest for each in [text, *other]}) == 3


def test_what_only_documents_makes_no_other_edition():
    text = SMALLEST.read_text()
    reading = (
        "readings:\n  open: {question: When?, reading: On the day., why: It counts., "
        "confirmed_by: Officer, confirmed_on: 2026-02-01}\n"
    )
    same = [
        text + reading,
        text.replace('section: "9"', 'section: "9"\n    sentence: "2-4"'),
        text.replace("rules: inactive}", "rules: inactive, tests: [tests/test_it.py]}"),
    ]
    same.append(text + "guards: {batches: {subjects: 50, beside_others: {above: 10}}}\n")
    assert len({text, *same}) == 5
    assert {parse_policy(each).digest for each in same} == {load_policy(SMALLEST).digest}
    assert diff_policies(parse_policy(text).policy, parse_policy(same[0]).policy).changes == ()


def test_what_a_check_is_called_makes_no_other_edition():
    check = "{table: crm.customer, column: email, expect: not_null, clause: retention%s}"
    text = SMALLEST.read_text() + "quality: {extra: {mails: " + check + "}}\n"
    plain, named, other = (
        parse_policy(text % more)
        for more in ("", ", title: {en: Everybody has an e-mail, fr: Chacun a une adresse}",
                     ", severity: critical")
    )  # fmt: skip
    assert plain.digest == named.digest != other.digest
    assert diff_policies(plain.policy, named.policy).changes == ()


def test_the_digest_is_the_same_in_every_process():
    code = (
        "from pathlib import Path; from lethe.policy.load import load_policy; import sys;"
        "print(load_policy(Path(sys.argv[1])).digest)"
    )
    plugins = str(HERE.parents[1] / "plugins")
    digests = {
        subprocess.run(
            [sys.executable, "-c", code, str(SMALLEST)],
            env={**os.environ, "PYTHONPATH": plugins, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert digests == {load_policy(SMALLEST).digest}


def test_the_digest_of_a_policy_survives_its_journey_as_json():
    policy = load_policy(SMALLEST).policy
    again = Policy.model_validate_json(policy.model_dump_json(by_alias=True))
    assert policy_digest(again) == policy_digest(policy)
