"""Of the record of processing: who gets data, and what is applied and what rests on people."""

from __future__ import annotations

from collections.abc import Iterator

from lethe.policy.labels import label
from lethe.reporting.papers.blocks import (
    Block,
    Cell,
    Column,
    Heading,
    Paragraph,
    Section,
    Span,
    Table,
)
from lethe.reporting.papers.record_data import Processing
from lethe.reporting.words import Wording, choose
from lethe.retention.clauses import built_wings


def recipients(record: Processing, words: Wording) -> Section:
    """Who gets data (d), and where they are (e)."""
    blocks: list[Block] = []
    policy = record.policy
    if policy.processors:
        names = ("processor", "service", "country", "receives", "told")
        shares = (1.6, 3.2, 1.3, 3, 1.6)
        columns = [
            Column(words.say(f"record.{name}"), share)
            for name, share in zip(names, shares, strict=True)
        ]
        rows: list[tuple[Cell, ...]] = []
        for each in policy.processors.values():
            gets = [_say_received(record, name, words) for name in each.receives]
            rows.append(
                (
                    each.name,
                    choose(each.service, words.language),
                    _country(each.country, words),
                    words.list(gets) or words.say("record.receives.none"),
                    words.say(_told(each.notify_erasure)),
                )
            )
        blocks.append(Table(columns, rows))
    blocks += _services(record, words)
    blocks += _transfers(record, words)
    if policy.disclosures:
        blocks.append(Heading(words.say("record.disclosed")))
        grounds = [_say_ground(record, each, words) for each in policy.disclosures.grounds]
        blocks.append(Paragraph(words.say("record.grounds", grounds=words.list(grounds))))
        listed = [
            choose(label(policy, each), words.language) for each in policy.disclosures.recipients
        ]
        if listed:
            said = words.say("record.disclosed.listed", names=words.list(listed))
            blocks.append(Paragraph(said))
    return Section("recipients", words.say("record.section.recipients"), blocks)


def _told(notify: bool) -> str:
    """Whether erasures are passed on: only what passes them on makes it true."""
    if not notify:
        return "record.no"
    return "record.yes" if "subject_requests" in built_wings() else "record.told.planned"


def _services(record: Processing, words: Wording) -> Iterator[Block]:
    """Services outside that hold data and whose company the policy does not name."""
    names = dict.fromkeys(name for group in record.groups for name in group.systems)
    if not names:
        return
    columns = [
        Column(words.say("record.service"), 2.4),
        Column(words.say("record.receives"), 3.4),
        Column(words.say("record.provider"), 2.4),
        Column(words.say("record.owner"), 1.8),
    ]
    rows: list[tuple[Cell, ...]] = []
    for name in names:
        system = record.policy.systems[name]
        holds = [group.title for group in record.groups if name in group.systems]
        rows.append(
            (
                choose(system.title, words.language),
                words.list([choose(each, words.language) for each in holds]),
                Span(words.say("record.unstated"), "mark", "warn"),
                choose(label(record.policy, system.owner), words.language),
            )
        )
    yield Heading(words.say("record.services"))
    yield Table(columns, rows)


def _transfers(record: Processing, words: Wording) -> Iterator[Block]:
    unknown = dict.fromkeys(
        choose(record.policy.systems[name].title, words.language)
        for group in record.groups
        for name in group.systems
    )
    far = [f"{each.name} ({_country(each.country, words)})" for each in record.transfers]
    if far:
        yield Paragraph(words.say("record.transfer.third", names=words.list(far)), "bad")
    elif record.policy.processors:
        yield Paragraph(words.say("record.transfer.none"))
    elif not unknown:
        yield Paragraph(words.say("record.transfer.nobody"))
    if unknown:
        names = words.list(list(unknown))
        yield Paragraph(words.say("record.transfer.unknown", names=names), "bad")


def _country(code: str, words: Wording) -> str:
    return str(words.locale.territories.get(code, code))


def _say_ground(record: Processing, ground: str, words: Wording) -> str:
    """A ground by its label, else by the words that Lethe knows, else as the file writes it."""
    if ground not in record.policy.labels and words.has(f"record.ground.{ground}"):
        return words.say(f"record.ground.{ground}")
    return choose(label(record.policy, ground), words.language)


def _say_received(record: Processing, name: str, words: Wording) -> str:
    if words.has(f"record.class.{name}"):
        return words.say(f"record.class.{name}")
    cluster = record.policy.clusters.get(name)
    if cluster:
        return choose(cluster.title, words.language)
    return choose(label(record.policy, name), words.language)


def reach(record: Processing, words: Wording) -> Section:
    """What a machine applies, what it only checks, and what rests on people."""
    columns = [
        Column(words.say("record.reach.what"), 3),
        Column(words.say("record.reach.how"), 6),
    ]
    rows: list[tuple[Cell, ...]] = [
        ([words.say(f"record.reach.{name}"), Span(words.say(state), "quiet")],
         words.say(f"record.reach.{name}.how"))
        for name, state in _reached(record)
    ]  # fmt: skip
    blocks: list[Block] = [Paragraph(words.say("record.reach.intro")), Table(columns, rows)]
    return Section("reach", words.say("record.section.reach"), blocks)


def _reached(record: Processing) -> Iterator[tuple[str, str]]:
    """Parts of this record, and what stands behind each."""
    policy = record.policy
    built = {each.code: each.is_built for each in record.measures}
    for name, code in (("erasure", "erasure"), ("archive", "archive"), ("logs", "logs")):
        if code in built:
            yield name, "record.reach.applied" if built[code] else "record.planned"
    yield "quality", "record.reach.checked" if built["quality"] else "record.planned"
    yield "declared", "record.reach.people"
    if policy.systems:
        yield "systems", "record.reach.people"
    if any(each.control.kind == "organisational" for each in policy.clauses.values()):
        yield "organisational", "record.reach.people"
