"""The Merkle tree against published vectors and every corrupted probe."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lethe.evidence import merkle


@pytest.fixture(scope="session")
def vectors(shared_data: Path) -> Any:
    return json.loads((shared_data / "vectors" / "merkle_vectors.json").read_text())


def test_leaves_and_nodes_are_hashed_with_their_prefixes(vectors: Any) -> None:
    for one in vectors["hasher"]:
        if one["op"] == "leaf":
            found = merkle.hash_leaf(one["data_utf8"].encode())
        else:
            found = merkle.hash_node(one["left_utf8"].encode(), one["right_utf8"].encode())
        assert found.hex() == one["hash"]


def test_roots_of_every_size_are_those_of_the_reference(vectors: Any) -> None:
    leaves = hashed(vectors)
    assert merkle.EMPTY_ROOT.hex() == vectors["empty_root"] == merkle.root_of([]).hex()
    for size, root in enumerate(vectors["roots_hex_for_size_1_to_n"], start=1):
        assert merkle.root_of(leaves[:size]).hex() == root


def test_proofs_are_those_of_the_reference_and_verify(vectors: Any) -> None:
    leaves = hashed(vectors)
    for one in vectors["derived_inclusion_paths_hex"]:
        part, index = leaves[: one["size"]], one["leaf"]
        proof = merkle.prove_inclusion(part, index)
        assert [node.hex() for node in proof] == one["path"]
        assert merkle.verify_inclusion(part[index], index, len(part), proof, merkle.root_of(part))
    for one in vectors["derived_consistency_hex"]:
        part, old = leaves[: one["to"]], one["from"]
        proof = merkle.prove_consistency(part, old)
        assert [node.hex() for node in proof] == one["proof"]
        assert merkle.verify_consistency(
            old, len(part), merkle.root_of(part[:old]), merkle.root_of(part), proof
        )


def test_every_probe_gets_the_expected_answer(vectors: Any) -> None:
    wrong = [probe["file"] for probe, answer in answers(vectors) if answer is probe["wantErr"]]
    assert wrong == []


def test_a_tree_that_grows_leaf_by_leaf_has_the_roots_of_whole_trees() -> None:
    leaves = [merkle.hash_leaf(bytes([number])) for number in range(70)]
    tree = merkle.GrowingTree()
    for size, leaf in enumerate(leaves, start=1):
        tree.add(leaf)
        assert (tree.size, tree.root()) == (size, recursive_root(leaves[:size]))


@given(st.integers(1, 60), st.data())
def test_a_proof_with_any_flipped_bit_is_refused(size: int, data: st.DataObject) -> None:
    leaves = [merkle.hash_leaf(bytes([number])) for number in range(size)]
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.prove_inclusion(leaves, index)
    root = merkle.root_of(leaves)
    assert merkle.verify_inclusion(leaves[index], index, size, proof, root)
    values = [leaves[index], root, *proof]
    spoiled = data.draw(st.integers(0, len(values) - 1))
    bit = data.draw(st.integers(0, 255))
    values[spoiled] = (int.from_bytes(values[spoiled], "big") ^ 1 << bit).to_bytes(32, "big")
    assert not merkle.verify_inclusion(values[0], index, size, values[2:], values[1])


def answers(vectors: Any) -> Iterator[tuple[Any, bool]]:
    for probe in vectors["probes_inclusion"]:
        yield (
            probe,
            merkle.verify_inclusion(
                raw(probe["leafHash"]),
                probe["leafIdx"],
                probe["treeSize"],
                *proof_root(probe, "root"),
            ),
        )
    for probe in vectors["probes_consistency"]:
        proof, root = proof_root(probe, "root2")
        yield (
            probe,
            merkle.verify_consistency(
                probe["size1"], probe["size2"], raw(probe["root1"]), root, proof
            ),
        )
    for probe in vectors["probes_subtree_inclusion"]:
        yield (
            probe,
            merkle.verify_subtree_inclusion(
                raw(probe["leafHash"]),
                probe["leafIdx"],
                probe["start"],
                probe["end"],
                *proof_root(probe, "root"),
            ),
        )
    for probe in vectors["probes_subtree_consistency"]:
        proof, root = proof_root(probe, "root2")
        yield (
            probe,
            merkle.verify_subtree_consistency(
                probe["start"], probe["end"], probe["size"], raw(probe["root1"]), root, proof
            ),
        )


def proof_root(probe: Any, root: str) -> tuple[list[bytes], bytes]:
    return [raw(node) for node in probe["proof"] or []], raw(probe[root])


def raw(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def hashed(vectors: Any) -> list[bytes]:
    return [merkle.hash_leaf(bytes.fromhex(leaf)) for leaf in vectors["leaves_hex"]]


def recursive_root(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return merkle.hash_node(recursive_root(leaves[:split]), recursive_root(leaves[split:]))
