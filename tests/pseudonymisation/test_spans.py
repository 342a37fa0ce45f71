"""Of invented lines in every format, what is personal goes and what only looks so stays.

Recall and precision are measured by characters, over values that are known by construction: see
`labelled_lines.py` for the lines and `labelled_values.py` for the spellings.
"""

from __future__ import annotations

from collections import Counter

import pytest

from tests.pseudonymisation.kit import process, rows_of
from tests.pseudonymisation.labelled_lines import Labelled, make_lines

ROUNDS = 3
# So many characters in a row that stand in the output are no coincidence.
TELLING = 7


def characters_left(value: str, text: str) -> int:
    """How many characters of a value can still be read."""
    width = min(TELLING, len(value))
    left: set[int] = set()
    for place in range(len(value) - width + 1):
        if value[place : place + width] in text:
            left |= set(range(place, place + width))
    return len(left)


def outputs_of(name: str, lines: list[Labelled]) -> dict[int, str]:
    """Line → what the engine leaves of it, when every parameter is kept and looked through."""
    done = process(
        "".join(line.text + "\n" for line in lines).encode(),
        name.partition("-")[0],
        query_others="scan",
        phones=frozenset({"message", "url", "referrer"}),
    )
    assert done.quarantined == []
    return {
        row["line"]: "|".join(str(value) for key, value in row.items() if key != "line")
        for row in rows_of(done)
    }


@pytest.mark.parametrize("seed", [1, 2026])
def test_recall_and_precision_hold_for_every_kind_of_value_in_every_format(seed: int) -> None:
    wanted: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    traps = gone = 0
    shown: list[tuple[str, str]] = []
    for name, lines in make_lines(seed, ROUNDS).items():
        outputs = outputs_of(name, lines)
        for number, line in enumerate(lines, 1):
            text = outputs[number]
            for kind, value in line.personal:
                wanted[kind] += len(value)
                left = characters_left(value, text)
                missed[kind] += left
                if left:
                    shown.append((kind, line.text))
            for value in line.traps:
                traps += len(value)
                if value not in text:
                    gone += len(value)
                    shown.append(("stays", line.text))
    found = wanted.total() - missed.total()
    recall, precision = found / wanted.total(), found / (found + gone)
    print(f"\nseed {seed}: recall {recall:.4f}, precision {precision:.4f}, traps {traps}")
    for kind, text in shown[:20]:
        print(f"  {kind}: {text}")
    assert recall >= 0.995
    assert precision >= 0.97
    assert {k: left / wanted[k] for k, left in missed.items() if left > 0.02 * wanted[k]} == {}


def test_the_lines_hold_every_kind_of_value() -> None:
    lines = [line for several in make_lines(3, 1).values() for line in several]
    kinds = Counter(kind for line in lines for kind, _ in line.personal)
    assert len(lines) > 400
    assert min(kinds.values()) >= 1
    assert {"v4", "v6", "mapped", "zoned", "encoded_v4", "encoded_v6", "email", "foreign_email",
            "once", "twice", "half", "quoted_once", "jwt", "token", "key", "hex64", "card",
            "url_card", "iban", "url_iban", "phone", "url_phone", "local_phone", "name", "name3",
            "dashed", "count9"} == set(kinds)  # fmt: skip
