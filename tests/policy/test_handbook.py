"""docs/policy.md explains every key, and its examples are true."""

from __future__ import annotations

import re

import pytest
from lethe.policy.key_tables import definitions_of_policy, draw_key_tables
from lethe.policy.load import parse_policy
from lethe.policy.model import Policy
from lethe.policy.schema import handbook_file
from lethe.policy.shapes import Shapes
from lethe.policy.yaml_document import parse_document

PAGE = handbook_file().read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
WHOLE = [block for block in BLOCKS if block.startswith("# A whole policy.")]
PIECES = [block for block in BLOCKS if not block.startswith("# A whole policy.")]
KEYS = [
    (name, key)
    for name, definition in definitions_of_policy().items()
    for key in definition["properties"]
]


def joined(pieces: list[str]) -> str:
    """Put the pieces of one policy together, section by section."""
    sections: dict[str, list[str]] = {}
    for piece in pieces:
        for section in re.split(r"^(?=[a-z_]+:)", piece, flags=re.MULTILINE):
            if section:
                head, _, body = section.partition("\n")
                sections.setdefault(head, []).append(body)
    return "".join(f"{head}\n{''.join(bodies)}" for head, bodies in sections.items())


@pytest.mark.parametrize("block", WHOLE)
def test_a_whole_policy_of_the_page_loads(block):
    assert parse_policy(block, "docs/policy.md").policy


def test_the_pieces_of_the_page_together_are_a_policy():
    policy = parse_policy(joined(PIECES), "docs/policy.md").policy
    assert {name for name in Policy.model_fields if name not in policy.model_fields_set} == set()


@pytest.fixture(scope="module")
def shown() -> set[tuple[str, str]]:
    """Every (model, key) that an example shows, found by walking examples and model together."""
    shapes = Shapes(Policy)
    places = parse_document(joined(PIECES), "docs/policy.md").lines
    found = set()
    for place in places:
        if place and isinstance(place[-1], str):
            parents = shapes.at(place[:-1])
            found |= {
                (parent["title"], place[-1])
                for parent in parents
                if place[-1] in parent.get("properties", {})
            }
    return found


@pytest.mark.parametrize(("name", "key"), KEYS, ids=lambda part: part)
def test_every_key_of_every_part_is_explained_and_shown_in_an_example(name, key, shown):
    table = re.search(rf"<!-- keys of {name} -->(.*?)<!-- /keys -->", PAGE, re.DOTALL)
    assert table, f"docs/policy.md has no marks '<!-- keys of {name} -->'"
    assert f"| `{key}` |" in table[1]
    assert (name, key) in shown


def test_the_tables_of_keys_are_what_the_model_says():
    assert draw_key_tables(PAGE) == PAGE, "run: python -m lethe.policy.schema"


def test_every_link_of_the_page_leads_to_a_heading_of_its_own():
    headings = re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    anchors = [re.sub(r"[^a-z0-9 _-]", "", text.lower()).replace(" ", "-") for text in headings]
    assert len(anchors) == len(set(anchors))
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= set(anchors)
