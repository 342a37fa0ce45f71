"""What stands last: what we do not know, the proofs, the files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from lethe.evidence.told import key_line
from lethe.reporting.mail.letter import Item, Pair, Section
from lethe.reporting.mail.phrases import grouped, reasons
from lethe.reporting.summary import Summary, Unknown
from lethe.reporting.words import Wording, choose

MOST_UNKNOWNS = 30
_KINDS = ("undecided", "reading", "system", "processor", "copy", "untested")


def unknowns(summary: Summary, words: Wording) -> Section | None:
    """What somebody must confirm before a report may say more; each month in full."""
    if not summary.unknowns:
        return None
    # Every day only what grows; what stands as it stood is for the month.
    undated = [each for each in summary.unknowns if each.kind == "refused"]
    items = _undated(undated, summary, words)
    others = sorted(
        (each for each in summary.unknowns if each.kind != "refused"),
        key=lambda each: (_rank(each), -each.count, each.what),
    )
    is_month = summary.period == "month"
    shown = [each for each in others if is_month or each.kind == "undecided"][:MOST_UNKNOWNS]
    items += [_unknown(each, words) for each in shown]
    rest = len(others) - len(shown)
    return Section(
        "unknowns",
        words.say("section.unknowns"),
        words.say("unknowns.intro"),
        tuple(items),
        more=words.count("unknowns.more" if not is_month else "more.rows", rest) if rest else None,
    )


def _rank(each: Unknown) -> int:
    return _KINDS.index(each.kind) if each.kind in _KINDS else len(_KINDS)


def _unknown(each: Unknown, words: Wording) -> Item:
    lines = [words.code("unknown_kind", each.kind)]
    if each.since:
        lines.append(words.say("decision.since", day=words.day(each.since)))
    if each.owner:
        lines.append(words.say("unknown.owner", owner=choose(each.owner, words.language)))
    why = choose(each.why, words.language)
    about = choose(each.title, words.language) or each.what
    names_it = each.kind in ("undecided", "untested")
    title = words.say("pair", label=about, value=why) if names_it else why
    return Item(title, (" · ".join(lines),))


def _undated(found: Sequence[Unknown], summary: Summary, words: Wording) -> list[Item]:
    """Who cannot be dated, rule by rule: all reasons in one line."""
    by_rule: dict[str, dict[str, int]] = {}
    since: dict[str, date] = {}
    owners: dict[str, dict[str, None]] = {}
    for each in found:
        rule, _, reason = each.what.partition(": ")
        by_rule.setdefault(rule, {})[reason] = each.count
        named = owners.setdefault(rule, {})
        if each.owner:
            named[choose(each.owner, words.language)] = None
        if each.since:
            since[rule] = min(each.since, since.get(rule, each.since))
    titles = {line.rule: choose(line.title, words.language) for line in summary.rules}
    items = []
    for rule, counts in by_rule.items():
        lines = [reasons(words, counts)]
        lines += [words.say("unknown.decides", who=who) for who in owners[rule]]
        if rule in since:
            lines.append(words.say("decision.since", day=words.day(since[rule])))
        title = words.count("unknown.undated", sum(counts.values()), rule=titles.get(rule) or rule)
        items.append(Item(title, (" · ".join(lines),)))
    return items


def proof(summary: Summary, words: Wording, lines: Sequence[str] = ()) -> Section:
    """Archive head, ledger seal and signer, each in a line that a verifier reads."""
    zone = summary.edition.time_zone
    pairs = []
    if summary.archive:
        head = summary.archive
        size, at = words.number(head.tree_size), words.instant(head.signed_at, zone)
        said = words.say("proof.head.value", no=words.number(head.head_no), size=size, at=at)
        pairs.append(Pair(words.say("proof.head"), said))
    if summary.seal:
        at = words.instant(summary.seal.sealed_at, zone)
        said = words.say("proof.seal.value", no=words.number(summary.seal.seal_no), at=at)
        pairs.append(Pair(words.say("proof.seal"), said))
    for line in dict.fromkeys((*told_lines(summary), *lines)):
        kind = line.partition(" ")[0].removeprefix("lethe-")
        pairs.append(Pair(words.code("proof_line", kind), line, is_code=True))
    pairs.append(Pair(words.say("proof.policy"), grouped(summary.edition.digest), is_code=True))
    intro = [words.say("proof.intro" if len(pairs) > 1 else "proof.none")]
    if len(pairs) > 1:
        has_pack = any(line.startswith("lethe-evidence-pack ") for line in lines)
        intro += [words.say("proof.pack" if has_pack else "proof.no_pack")]
    return Section("proof", words.say("section.proof"), " ".join(intro), pairs=tuple(pairs))


def told_lines(summary: Summary) -> tuple[str, ...]:
    """The proofs of a Summary as `lethe archive verify --heads` and a pack's verifier read them."""
    found = [summary.archive.line if summary.archive else None]
    found.append(summary.seal.line if summary.seal else None)
    if summary.signer and summary.warehouse_id:
        found.append(key_line(UUID(summary.warehouse_id), summary.signer))
    return tuple(line for line in found if line)


def files(
    words: Wording, attached: Mapping[str, int], left_out: Mapping[str, int]
) -> Section | None:
    """What is attached, and what was too large for the mail."""
    if not attached and not left_out:
        return None
    items = [Item(name, (_file(name, size, words),)) for name, size in attached.items()]
    items += [
        Item(name, (words.say("files.left_out", size=_size(size, words)),), tone="ask")
        for name, size in left_out.items()
    ]
    intro = words.say("files.intro")
    return Section("files", words.say("section.files"), intro, tuple(items))


def _file(name: str, size: int, words: Wording) -> str:
    key = f"file.{name.partition('.')[0]}"
    if not words.has(key):
        key = f"file.{name.rpartition('.')[2]}"
    said = words.say(key) if words.has(key) else ""
    return " · ".join(part for part in (said, _size(size, words)) if part)


def _size(size: int, words: Wording) -> str:
    if size >= 1_000_000:
        return words.say("size.mb", n=words.number(round(size / 1_000_000, 1)))
    return words.say("size.kb", n=words.number(max(1, round(size / 1000))))
