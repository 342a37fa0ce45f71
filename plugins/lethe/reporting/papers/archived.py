"""The sealed copies of documents, as the record of processing tells them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from lethe.policy.model import Policy
from lethe.reporting.papers.record_data import DataGroup, Limit, Words
from lethe.reporting.place import as_words
from lethe.reporting.words import LANGUAGES, Wording, choose, wording
from lethe.retention.clauses import built_wings


def archived_data(policy: Policy) -> Iterator[DataGroup]:
    """The sealed copies of documents: data of their own, with a limit of their own."""
    archive = policy.archive
    if archive is None:
        return
    documents = archive.documents.values()
    bound = [(each.table, (each.number, each.issued_on, *each.columns)) for each in documents]
    lines = (line for each in documents for line in each.lines)
    bound += [(each.table, tuple(each.columns)) for each in (*lines, *archive.party)]
    columns = {
        (str(table), name): policy.tables[table].columns[name]
        for table, names in bound
        for name in names
        if table in policy.tables and name in policy.tables[table].columns
    }
    kinds = dict.fromkeys(each.subject for each in documents)
    titles = tuple(as_words(each.title) for each in documents)
    control = policy.clauses[archive.clause].control
    people = [as_words(policy.subjects[kind].title) for kind in kinds]
    title = _in_every_paper(
        lambda words: words.say(
            "record.archive.copy",
            documents=words.list([choose(each, words.language) for each in titles]),
        )
    )
    limit = Limit(
        "archive",
        title,
        archive.period,
        as_words(archive.starting_point.event),
        {country: (each.period, each.law) for country, each in archive.legal_minimum.items()},
        ("invoice_archive",),
        "invoice_archive" in built_wings() and not control.planned,
        archive.financial_year_end,
    )
    yield DataGroup(
        key="archive",
        title=title,
        people=_in_every_paper(
            lambda words: words.list([choose(each, words.language) for each in people])
        ),
        purposes=archive.purpose or _purposes_of(policy, tuple(kinds)),
        classes=dict(Counter(str(column.class_) for column in columns.values())),
        tables=tuple(dict.fromkeys(str(table) for table, _ in bound)),
        recipients=(),
        limits=(limit,),
        undecided=None,
        stays=(),
        copy_of=titles,
    )


def _purposes_of(policy: Policy, kinds: tuple[str, ...]) -> tuple[str, ...]:
    """What the archive is for, where the policy does not say: the law, if one asks for the data."""
    found = dict.fromkeys(
        purpose
        for cluster in policy.clusters.values()
        if cluster.subject in kinds
        for purpose in cluster.purpose
    )
    by_law = tuple(each for each in found if policy.purposes[each].basis == "legal_obligation")
    return by_law or tuple(found)


def _in_every_paper(say: Callable[[Wording], str]) -> Words:
    """Say something in each language of the papers."""
    return {language: say(wording(language)) for language in LANGUAGES}
