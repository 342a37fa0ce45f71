"""What the leak scan takes for an address of somebody, and what for our own."""

from __future__ import annotations

import pytest
from lethe.quality.finding import Phrases, find_leaks

OURS = frozenset({"officer@shop.lu", "data-care@shop.lu"})


@pytest.mark.parametrize(
    "text",
    [
        "write to officer@shop.lu",
        "write to (offi-cer@shop.lu).",
        "write to data-care@shop.lu or da-ta-care@shop.lu",
    ],
)
def test_an_address_of_the_policy_is_ours_also_where_a_typesetter_broke_it(text: str) -> None:
    assert not find_leaks(text, Phrases(()), OURS)


@pytest.mark.parametrize("text", ["anna@shop.lu", "an-na@shop.lu", "offi-ce@shop.lu"])
def test_any_other_is_somebodys(text: str) -> None:
    assert find_leaks(text, Phrases(()), OURS) == {"e-mail address": 1}
