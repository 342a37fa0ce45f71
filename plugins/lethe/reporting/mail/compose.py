"""Summary → Letter: which sections a mail has, and in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from lethe.reporting.headline import is_whole, said_month, standing, subject, verdict
from lethe.reporting.mail import data_sections as data
from lethe.reporting.mail import first_sections as first
from lethe.reporting.mail import last_sections as last
from lethe.reporting.mail.addresses import is_loopback
from lethe.reporting.mail.letter import Letter, Picture, Section
from lethe.reporting.summary import Summary
from lethe.reporting.words import Wording, choose, wording

TONES = {"kept": "good", "needs_you": "ask", "not_kept": "bad", "silent": "silent"}


@dataclass(frozen=True, slots=True)
class Setting:
    """What a mail knows beside the Summary.

    base_url     address of the Airflow UI, without slash; None: no links
    pictures     name of a chart → chart
    attached     file name → bytes, in the mail; left_out: too large for it, where it is instead
    correction   how many times this report was corrected before; 0: the first one
    proofs       lines for a verifier beside those of the Summary, such as the pack's
    """

    base_url: str | None = None
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    attached: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    correction: int = 0
    proofs: tuple[str, ...] = ()


def compose(summary: Summary, language: str, setting: Setting | None = None) -> Letter:
    """Lay a mail out; the same Summary and setting give the same Letter."""
    setting = setting or Setting()
    # Nobody but whoever sits at that machine would arrive anywhere.
    nearby = setting.base_url if setting.base_url and is_loopback(setting.base_url) else None
    setting = replace(setting, base_url=None) if nearby else setting
    words = wording(language, "report")
    prefix = words.say("mail.correction", n=setting.correction) if setting.correction else None
    title = _title(summary, words)
    said = subject(summary, language)
    said = words.say(f"mail.subject.{summary.period}", verdict=said, title=title)
    if summary.is_rehearsal:
        said = words.say("mail.subject.rehearsal", subject=said)
    figures = first.figures(summary, words)
    return Letter(
        language=language,
        tone=TONES[summary.verdict] if summary.is_armed else "silent",
        headline=verdict(summary, language),
        subject=words.say("pair", label=prefix, value=said) if prefix else said,
        preview=" · ".join(f"{value} {label}" for value, label in figures),
        kicker=f"{title} · {summary.edition.controller}",
        correction=words.say("mail.corrected", n=setting.correction) if prefix else None,
        rehearsal=words.say("mail.rehearsal") if summary.is_rehearsal else None,
        standing=standing(summary, language),
        figures=figures,
        kinds=first.kinds(summary, words),
        sections=tuple(_sections(summary, words, setting)),
        next_due=words.say(
            f"mail.next.{summary.period}",
            at=words.instant(summary.next_due, summary.edition.time_zone, "full"),
            zone=words.zone(summary.edition.time_zone),
        ),
        footer=_footer(summary, words, nearby),
    )


def _title(summary: Summary, words: Wording) -> str:
    if summary.period == "month":
        key = "mail.title.month" if is_whole(summary) else "mail.title.part"
        return words.say(key, month=said_month(summary, words), day=words.day(summary.last, "long"))
    return words.say("mail.title.day", day=words.day(summary.last))


def _sections(summary: Summary, words: Wording, setting: Setting) -> Sequence[Section]:
    made = (
        first.decisions(summary, words, setting.base_url),
        first.silences(summary, words),
        first.broken(summary, words, setting.base_url),
        first.points(summary, words, setting.base_url),
        data.erased(summary, words, setting.pictures),
        first.promises(summary, words),
        data.coming(summary, words, setting.pictures),
        data.quality(summary, words, setting.base_url),
        data.logs(summary, words, setting.pictures),
        data.archive(summary, words),
        data.holds(summary, words),
        data.changes(summary, words),
        data.recorded(summary, words),
        last.unknowns(summary, words),
        last.proof(summary, words, setting.proofs),
        last.files(words, setting.attached, setting.left_out),
    )
    return [section for section in made if section is not None]


def _footer(summary: Summary, words: Wording, nearby: str | None) -> tuple[str, ...]:
    edition = summary.edition
    made = words.instant(summary.made_at, edition.time_zone)
    lines = [
        words.say(
            "mail.footer.policy",
            title=choose(edition.title, words.language),
            version=edition.version,
            controller=edition.controller,
        ),
        words.say("mail.footer.made", at=made, zone=words.zone(edition.time_zone)),
        words.say("mail.footer.nobody"),
    ]
    if nearby:
        lines.append(words.say("mail.footer.nearby", address=nearby))
    if edition.contact and edition.dpo_email:
        lines.append(
            words.say(
                "mail.footer.contact",
                contact=edition.contact,
                email=edition.dpo_email,
            )
        )
    return tuple(lines)
