"""What retention owes: nothing overdue, dates that can be true, no orphan, everything archived."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Literal

from psycopg2 import sql

from lethe.catalogue.fragments import Statement, key_text
from lethe.catalogue.fragments import column as qualified
from lethe.quality.expectations import Expectation, Scan
from lethe.quality.ground import Found, Ground, Handed, OwnScan, Proof, RowCheck

_PARTS: Mapping[str, Literal["orphans", "parts"]] = {
    "rows of nobody": "orphans",
    "subjects and rules": "parts",
    "rows and parts": "parts",
}
_WORDS = {
    "rows of nobody": "every row of {} hangs on a subject",
    "subjects and rules": "every subject of cluster {} is under exactly one rule",
    "rows and parts": "every row of {} is in exactly one part",
}


def find(ground: Ground) -> Iterator[Found]:
    """Expectations about rules, links and the archive."""
    if ground.handed is not None:
        yield from _rules(ground, ground.handed)
        yield from _proofs(ground, ground.handed)
    yield from _archive(ground)


def _rules(ground: Ground, handed: Handed) -> Iterator[Found]:
    if not ground.policy.rules:
        yield ground.missing("overdue", "the policy has no rule")
    for name, rule in ground.policy.rules.items():
        if rule.cluster not in ground.graph.members or not ground.graph.members[rule.cluster]:
            because = f"the warehouse has no table of cluster {rule.cluster}"
            yield ground.missing("overdue", because, what=name, clause=rule.clause)
            yield ground.missing("dates", because, what=name, clause=rule.clause)
            continue
        expectations = [
            replace(each, suite=rule.cluster) for each in _of_rule(ground, name, rule.clause)
        ]
        if expectations:
            yield OwnScan(_judged(ground, handed, name, tuple(expectations)))


def _of_rule(ground: Ground, name: str, clause: str) -> Iterator[Expectation]:
    if ground.off("dates") is None:
        yield ground.expect(
            "dates",
            name,
            f"the dates of rule {name} can be believed",
            clause=clause,
            stage="input",
            rules=(name,),
            holds=sql.SQL("NOT m.refused"),
        )
    if ground.off("overdue") is None:
        yield ground.expect(
            "overdue",
            name,
            f"nothing is overdue under rule {name}",
            clause=clause,
            stage="outcome",
            rules=(name,),
            holds=sql.SQL("NOT m.overdue"),
        )


def _judged(
    ground: Ground, handed: Handed, name: str, expectations: tuple[Expectation, ...]
) -> Scan:
    """Every subject of a rule: is it overdue, and were its dates refused?

    What became due today may wait for tonight; anything older is overdue. Where Lethe's own schema
    is not there, the date alone decides.
    """
    rule = ground.policy.rules[name]
    types = ground.graph.kind_of(rule.cluster).types
    key = tuple(f"k{i}" for i in range(len(types)))
    if ground.initialised:
        judged = handed.judge(ground.graph, name, ground.as_of)
        select = sql.SQL(
            "{judged} SELECT {key},"
            " decided.outcome = 'due' AND decided.due_on < {today} AS overdue,"
            " decided.outcome LIKE 'refused: %%'"
            " AND decided.outcome <> 'refused: no starting point' AS refused FROM decided"
        )
    else:
        judged = handed.dated(ground.graph, name, ground.as_of)
        select = sql.SQL(
            "{judged} SELECT {key}, NOT running AND NOT implausible AND NOT missing"
            " AND coalesce(starting_on < last_due, false) AS overdue,"
            " NOT running AND (implausible OR missing OR contradiction) AS refused FROM dated"
        )
    composed = select.format(
        judged=judged.text,
        key=sql.SQL(", ").join(sql.Identifier(part) for part in key),
        today=sql.Literal(ground.as_of),
    )
    source = sql.SQL("({}) AS m").format(composed)
    return Scan(f"rule {name}", rule.cluster, source, expectations, None, key, dict(judged.values))


def _proofs(ground: Ground, handed: Handed) -> Iterator[Found]:
    """The coverage proof: one scan a cluster, of nothing but rows that are wrong."""
    found: defaultdict[str, list[tuple[Expectation, Statement]]] = defaultdict(list)
    for proof in handed.prove(ground.graph, ground.as_of, ground.initialised):
        kind = _PARTS.get(proof.topic)
        if kind is None or ground.off(kind) is not None:
            continue
        expectation = _of_proof(ground, kind, proof)
        found[expectation.suite].append((expectation, proof.found))
    for suite, some in found.items():
        values: dict[str, object] = {}
        expectations = []
        for number, (expectation, statement) in enumerate(some):
            # Every statement names its own values v0, v1, …: each gets a prefix here.
            text, renamed = _apart(statement, f"p{number}_")
            values |= renamed
            expectations.append(replace(expectation, wrong=text))
        scan = Scan(f"links of {suite}", suite, None, tuple(expectations), values=values)
        yield OwnScan(scan)


def _of_proof(ground: Ground, kind: Literal["orphans", "parts"], proof: Proof) -> Expectation:
    about = str(proof.table or proof.cluster)
    clauses = [
        rule.clause for rule in ground.policy.rules.values() if rule.cluster == proof.cluster
    ]
    made = ground.expect(
        kind,
        f"{proof.cluster}.{about}" if proof.cluster and proof.table else about,
        _WORDS[proof.topic].format(about),
        table=proof.table,
        clause=clauses[0] if clauses else None,
        stage="outcome",
    )
    return replace(made, suite=proof.cluster or made.suite)


def _apart(statement: Statement, prefix: str) -> tuple[sql.Composable, dict[str, object]]:
    values = {f"{prefix}{name}": value for name, value in statement.values.items()}
    return _renamed(statement.text, prefix), values


def _renamed(part: sql.Composable, prefix: str) -> sql.Composable:
    if isinstance(part, sql.Composed):
        return sql.Composed([_renamed(each, prefix) for each in part.seq])
    if isinstance(part, sql.Placeholder) and part.name is not None:
        return sql.Placeholder(f"{prefix}{part.name}")
    return part


def _archive(ground: Ground) -> Iterator[Found]:
    """Every issued document is in the archive, from the night after it was issued."""
    archive = ground.policy.archive
    off = ground.off("archive")
    if archive is None or off is not None:
        yield off or ground.missing("archive", "the policy has no archive")
        return
    for name, document in archive.documents.items():
        table = ground.table(document.table)
        if table is None or not ground.archived:
            because = (
                f"the warehouse has no table {document.table}"
                if table is None
                else "nothing has been archived yet"
            )
            yield ground.missing("archive", because, what=name, clause=archive.clause)
            continue
        key = ground.key_of(document.table) or (document.number,)
        holds = sql.SQL(
            "CASE WHEN {issued} AND m.{day} < {today} THEN EXISTS ("
            "SELECT FROM lethe.archived_document AS a WHERE a.document_type = {name}"
            " AND a.key = {key}) END"
        ).format(
            issued=ground.where(document.table, document.issued),
            day=sql.Identifier(document.issued_on),
            today=sql.Literal(ground.as_of),
            name=ground.values.bind(name),
            key=key_text([qualified("m", part) for part in key]),
        )
        yield RowCheck(
            document.table,
            ground.expect(
                "archive",
                name,
                f"every issued document ({name}) is in the archive",
                table=document.table,
                clause=archive.clause,
                stage="input",
                holds=holds,
            ),
        )
