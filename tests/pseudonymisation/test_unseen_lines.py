"""Lines of many daemons that were marked before the patterns were looked at, by the command line.

Recall and precision by bytes: of what is marked as personal nothing may be left, what looks
personal and is not must be left; the bar is 0.995 and 0.97. What the patterns of the day made of
each set when it was new, before anything was mended for it, is the honest figure:

    unseen_lines.txt     recall 0.918, precision 0.955
    unseen_web.txt       recall 0.959, precision 0.947
    unseen_daemons.txt   recall 0.923, precision 0.897
    unseen_odd.txt       recall 0.948, precision 0.948
    unseen_web_two.txt      recall 0.978, precision 0.973
    unseen_daemons_two.txt  recall 0.952, precision 0.998
    unseen_places.txt       recall 0.884, precision 0.983

`unseen_web_two.txt` gave 0.985 and 0.919 as it came, its JSON read field by field. The last one
is our own, written without looking at the patterns against what they were known to lack: names
behind ordinary words.

The last one gave 0.951 and 0.894 as it came, with all JSON read field by field, of which the policy
names few, and lines of virtual hosts read as free text.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import polars as pl
import pytest
import typer
from lethe.cli.app import split_common
from lethe.cli.logs import logs_app
from lethe.pseudonymisation.text import TextScrubber

from tests.kit import MakeKit
from tests.pseudonymisation.test_nightly import _as_file
from tests.pseudonymisation.test_text import Holes

PERSONAL = re.compile("«([^»]*)»")
STAYS = re.compile("‹([^›]*)›")
TELLING = 7
DDL = "CREATE TABLE person (id bigint PRIMARY KEY, number text UNIQUE);"
POLICY = """
subjects: {person: {table: public.person, key: id}}
clusters: {people: {subject: person}}
tables:
  public.person: {cluster: people, columns: {id: key, number: identifier}}
logs:
  clause: retention
  sources:
    files:
      files: raw/*.log
      fields:
        time: {method: time}
        ip: {method: ipcrypt-deterministic}
        forwarded: {method: ipcrypt-deterministic}
        server: {method: ipcrypt-deterministic}
        ident: {method: token}
        user: {method: token}
        vhost: {method: text}
        host: {method: text}
        method: {method: keep}
        url: {method: url, phones: true, query_allow: [lang, page, mail, email, q, u, v, callback,
              to, card, order, e, m, id, s, city, phone, iban, pan, redirect_to]}
        referrer: {method: url, phones: true, query_allow: [lang, page, mail, email, q, u, m, id]}
        agent: {method: text}
        frontend: {method: text}
        backend: {method: text}
        timers: {method: text}
        connections: {method: text}
        queues: {method: text}
        captured: {method: text}
        status: {method: keep}
        bytes: {method: keep}
        duration: {method: keep}
        message: {method: text, phones: true}
      output: logs/pseudonymised
"""


# Set → the sections of which lines are set aside: no header tells which of the words is the user.
SETS = {
    "unseen_lines.txt": {"w3c headless"},
    "unseen_web.txt": set(),
    "unseen_daemons.txt": set(),
    "unseen_web_two.txt": set(),
    "unseen_daemons_two.txt": set(),
    "unseen_places.txt": set(),
    # Jetty's line with its agent in another place.
    "unseen_odd.txt": {"common odd"},
}


def sections(file: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    name = ""
    text = Path(__file__).with_name(file).read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith("== "):
            name = line[3:]
        elif name and line:
            found.setdefault(name, []).append(line)
    return found


def left_of(value: str, output: str, line: str) -> int:
    """How many bytes of a value can still be read and are no part of what stood beside it."""
    width = min(TELLING, len(value))
    left: set[int] = set()
    for place in range(len(value) - width + 1):
        piece = value[place : place + width]
        if piece in output and piece not in line:
            left |= set(range(place, place + width))
    return len("".join(value[place] for place in left).encode())


class Score:
    """What became of the marks."""

    def __init__(self) -> None:
        self.bytes: Counter[str] = Counter()
        self.shown: list[str] = []

    def judge(self, line: str, output: str) -> None:
        beside = STAYS.sub(r"\1", PERSONAL.sub(" ", line))
        for value in PERSONAL.findall(line):
            left = max(
                left_of(value, output, beside),
                left_of(unquote(value), unquote(output), unquote(beside)),
            )
            self.bytes["personal"] += len(value.encode())
            self.bytes["missed"] += left
            self.shown += [f"missed {value}: {output}"] if left else []
        for word in (word for span in STAYS.findall(line) for word in span.split()):
            self.bytes["stays"] += len(word.encode())
            if word not in output:
                self.bytes["gone"] += len(word.encode())
                self.shown.append(f"gone {word}: {output}")

    @property
    def recall(self) -> float:
        return 1 - self.bytes["missed"] / self.bytes["personal"]

    @property
    def precision(self) -> float:
        found = self.bytes["personal"] - self.bytes["missed"]
        return found / (found + self.bytes["gone"])


def formats(file: str) -> dict[str, dict[str, list[str]]]:
    """Format of the command line → section → lines; free text is read as `syslog`."""
    chosen: dict[str, dict[str, list[str]]] = {}
    for name, lines in sections(file).items():
        first = name.split()[0]
        chosen.setdefault("syslog" if first == "text" else first, {})[name] = lines
    return chosen


@pytest.mark.parametrize("file", SETS)
def test_what_is_personal_goes_and_what_only_looks_so_stays(
    make_kit: MakeKit, tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str
) -> None:
    kit = make_kit(DDL, POLICY)
    policy = tmp_path / "policy.yaml"
    policy.write_text(_as_file(POLICY))
    app = typer.Typer()
    app.add_typer(logs_app, name="logs")
    score, aside = Score(), []
    for chosen, several in formats(file).items():
        folder = tmp_path / chosen
        folder.mkdir()
        for name, lines in several.items():
            plain = "".join(re.sub("[«»‹›]", "", line) + "\n" for line in lines)
            (folder / f"{name}.log").write_text(plain)
        desk, rest = split_common(
            ["logs", "run", "--input", str(folder / "*.log"), "--format", chosen, "--output",
             str(folder / "out"), "--workers", "0", "--policy", str(policy), "--dsn", kit.dsn,
             "--as-of", "2026-11-23", "--json"]
        )  # fmt: skip
        capsys.readouterr()
        app(rest, standalone_mode=False, obj=desk)
        told = json.loads(capsys.readouterr().out)
        assert told["read"] == sum(map(len, several.values()))
        assert told["read"] == told["written"] + sum(told["quarantined"].values())
        for name, lines in several.items():
            outputs = outputs_of(folder / "out", folder / f"{name}.log")
            for number, line in enumerate(lines, 1):
                if number in outputs:
                    score.judge(line, outputs[number])
                else:
                    aside.append(name)
    print(
        f"\n{file}: recall {score.recall:.4f}, precision {score.precision:.4f}, {dict(score.bytes)}"
    )
    print(*score.shown, sep="\n")
    assert score.recall >= 0.995
    assert score.precision >= 0.97
    assert set(aside) == SETS[file]


def outputs_of(output: Path, raw: Path) -> dict[int, str]:
    """Line → all that was written of it."""
    source = hashlib.sha256(raw.read_bytes()).hexdigest()[:16]
    return {
        row["line"]: "|".join(str(value) for name, value in row.items() if name != "line")
        for part in output.glob(f"day=*/*{source}*.parquet")
        for row in pl.read_parquet(part, hive_partitioning=False).to_dicts()
    }


@pytest.mark.parametrize("file", SETS)
def test_the_lines_are_many_and_of_many_kinds(file: str) -> None:
    lines = [line for part in sections(file).values() for line in part]
    assert len(lines) >= 100
    assert len(sections(file)) > 7
    assert sum(len(STAYS.findall(line)) for line in lines) > 90


def test_texts_in_which_only_a_shape_is_found_are_replaced_and_stay_as_they_were() -> None:
    texts = pl.Series(["Peer awampach authorized for remote access", "the peer went away"])
    given = texts.to_list()
    assert TextScrubber(Holes(), free=True).scrub(texts).to_list() == [
        "Peer █ authorized for remote access", given[1],
    ]  # fmt: skip
    assert texts.to_list() == given
