"""Lists: sorted, filtered, paged and exported by query parameters alone."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from typing import Any

import pytest
from lethe.console.charts import Bar, columns, rows, share
from lethe.console.listing import Asked, make_listing

from tests.console.conftest import World
from tests.reporting.examples import HUGE, KEPT, NOT_KEPT


def tokens(text: str) -> list[str]:
    return re.findall(r"<code>([0-9a-f]{64})</code>", text)


def test_the_list_of_a_set_is_that_of_the_frozen_set_oldest_first(world: World) -> None:
    text = world.client("viewer").get(world.set_path).text
    assert "120 of 120" in text
    assert "Page 1 of 3" in text
    assert len(tokens(text)) == 50
    assert world.waiting[1] in text
    assert text.index("2 Feb 2022") < text.index("3 Feb 2022")


def test_a_set_is_sorted_filtered_and_paged_by_its_parameters(world: World) -> None:
    client = world.client("viewer")
    newest = client.get(f"{world.set_path}?sort=due_on:desc").text
    assert 'aria-sort="descending"' in newest
    assert newest.index("31 May 2022") < newest.index("30 May 2022")
    flagged = client.get(f"{world.set_path}?only=vip").text
    assert "12 of 120" in flagged
    assert len(tokens(flagged)) == 12
    assert len(tokens(client.get(f"{world.set_path}?page=3").text)) == 20
    assert len(tokens(client.get(f"{world.set_path}?page=99").text)) == 20
    by_token = tokens(client.get(f"{world.set_path}?sort=token").text)
    assert by_token == sorted(by_token)
    assert tokens(client.get(f"{world.set_path}?find={by_token[3][:9]}").text) == [by_token[3]]
    assert "1 of 120" in client.get(f"{world.set_path}?find=2022-02-02").text
    both = client.get(f"{world.set_path}?sort=due_on&find=2022-03&sort=token:desc").text
    found = tokens(both)
    assert found == sorted(found, reverse=True), "the button of a header counts, not the old order"


def test_the_export_holds_what_the_page_shows_and_names_the_digest(world: World) -> None:
    client = world.client("viewer")
    answer = client.get(f"{world.set_path}/list.csv")
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(lines) == 120
    assert list(lines[0]) == ["token", "due_on", "vip"]
    assert [line["due_on"] for line in lines] == sorted(line["due_on"] for line in lines)
    assert sum(line["vip"] == "yes" for line in lines) == 12
    digest = world.waiting[1]
    assert answer.headers["x-lethe-digest"] == digest
    assert digest[:12] in answer.headers["content-disposition"]
    some = client.get(f"{world.set_path}/list.csv?only=vip&sort=token").text.splitlines()
    assert len(some) == 13
    assert some[1:] == sorted(some[1:])


def test_a_list_that_lies_elsewhere_or_differs_from_its_set_says_so(world: World) -> None:
    client = world.client("dpo")
    (file,) = (world.kit.home / "reports" / "waiting").glob("*.csv")
    file.write_text("\n".join(file.read_text().splitlines()[:-1]) + "\n")
    assert "The list has 119 lines and the set 120 subjects" in client.get(world.set_path).text
    file.unlink()
    assert "LETHE_HOME/reports/waiting" in client.get(world.set_path).text
    assert client.get(f"{world.set_path}/list.csv").status_code == 404


@pytest.mark.parametrize("query", ["?sort=x:y:z", "?page=-1", "?page=²", "?page=9" + "9" * 40,
                                   "?only=%00", "?find=%27%22%3C", "?sort=due_on%00"])  # fmt: skip
def test_nonsense_in_the_parameters_is_a_page_all_the_same(world: World, query: str) -> None:
    client = world.client("viewer")
    for path in (world.set_path, "/lethe/clauses", "/lethe/runs", "/lethe/holds"):
        assert client.get(f"{path}{query}").status_code == 200


def test_clauses_are_filtered_by_verdict_and_by_words(world: World) -> None:
    clauses = (replace(KEPT.clauses[0], verdict="not_kept"), *KEPT.clauses[1:])
    world.tell(replace(KEPT, clauses=clauses))
    client = world.client("viewer")
    text = client.get("/lethe/clauses?only=not_kept").text
    assert f"1 of {len(KEPT.clauses)}" in text
    assert "s1-contact" in text
    assert 'id="s3-withdrawal"' not in text
    found = client.get("/lethe/clauses?find=NEWSLETTER-left").text
    assert 'id="s3-withdrawal"' in found
    assert f"1 of {len(KEPT.clauses)}" in found
    assert 'id="s1-contact"' in client.get("/lethe/clauses?only=untested").text


def test_what_is_none_comes_last_in_both_directions() -> None:
    def made(asked: Asked) -> list[Any]:
        found = make_listing([3, None, 1, 2], {"n": lambda n: n}, asked, default="n")
        return list(found.rows)

    assert made(Asked()) == [1, 2, 3, None]
    assert made(Asked("n:desc")) == [3, 2, 1, None]
    assert made(Asked("nonsense")) == [1, 2, 3, None]


def test_a_listing_turns_a_header_round_and_keeps_the_rest_of_the_question() -> None:
    asked = Asked("n", "x", "y", 2)
    found = make_listing(list(range(120)), {"n": lambda n: n}, asked, default="n", size=50)
    assert (found.order("n"), found.turned("n")) == ("ascending", "n:desc")
    assert found.asked.url(page=3) == "?sort=n&find=x&only=y&page=3"
    assert (found.page, found.pages, found.rows[0]) == (2, 3, 50)


def test_the_largest_company_fits_on_its_pages(world: World) -> None:
    world.tell(replace(HUGE, period="day"))
    for path in ("/", "/clauses", "/rules"):
        assert world.client("viewer").get(f"/lethe{path}").status_code == 200


def test_charts_hold_their_figures_as_words_and_escape_what_they_are_given() -> None:
    bars = [Bar("<b>", 3, "x: 3", 7), Bar("none", 0, "none: 0"), Bar("é", 1e9, "é: 1")]
    for made in (columns(bars, "T<", "a", ["0", "1"]), rows(bars, "T<", "b")):
        assert "<b>" not in made
        assert "<title" in made
        assert "T&lt;" in made
        assert "style=" not in made
        assert "nan" not in made
    assert "<rect" not in share([("kept", 0, "0")], "T", "c")


def test_data_docs_are_listed_by_suite_each_with_its_newest_page(world: World) -> None:
    docs = world.kit.home / "quality" / "docs" / "validations"
    for path in ("a · b/session/run1/20260101T1/x.html", "a · b/session/run2/20260102T1/y.html",
                 "a · b/user/run1/20260101T1/z.html", "c/run1/20260101T1/w.html"):  # fmt: skip
        (docs / path).parent.mkdir(parents=True, exist_ok=True)
        (docs / path).write_text("<p>page</p>")
    client = world.client("viewer")
    text = client.get("/lethe/quality").text
    found = re.findall(r'href="(/lethe/quality/docs/[^"]*)">([^<]*)<', text)
    assert [name for _, name in found] == ["a · b.session", "a · b.user", "c"]
    assert found[0][0].endswith("/run2/20260102T1/y.html")
    assert all(client.get(link).status_code == 200 for link, _ in found)


def test_a_failed_check_leads_to_the_page_that_tells_of_it(world: World) -> None:
    world.tell(NOT_KEPT)
    docs = world.kit.home / "quality" / "docs"
    page = docs / "validations" / "account · billing․note" / "x" / "page.html"
    page.parent.mkdir(parents=True)
    page.write_text("<p>three rows</p>")
    told = {
        "card.payment_method.note": str(page.relative_to(docs)),
        "card.support.ticket.body": "validations/../../../secrets/connections.json",
    }
    client = world.client("viewer")
    assert "three rows" not in client.get("/lethe/quality").text
    (docs / "pages.json").write_text(json.dumps(told))
    text = client.get("/lethe/quality").text
    (link,) = re.findall(r'<th scope="row"><a href="([^"]*)">', text)
    assert "three rows" in client.get(link).text
    assert "<code>card.support.ticket.body</code></th>" in text, "no page of ours, no link"
    (docs / "pages.json").write_text("[")
    assert client.get("/lethe/quality").status_code == 200
