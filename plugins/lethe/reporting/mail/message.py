"""Letter → EmailMessage: plain text beside HTML, charts beside the HTML, files behind both."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

from lethe.policy.model.places import Mail, Recipient
from lethe.reporting.mail.compose import Setting, compose
from lethe.reporting.mail.letter import Picture
from lethe.reporting.mail.render import render_html, render_text
from lethe.reporting.papers.charts import charts
from lethe.reporting.summary import Summary

_TYPES = {
    "pdf": ("application", "pdf"),
    "csv": ("text", "csv"),
    "json": ("application", "json"),
    "zip": ("application", "zip"),
}
_DAILY = frozenset({"backlog", "due"})
"""Charts of a daily mail: what is behind, what comes. The course over time is for the month."""
_ON_THE_WIRE = 1.38
"""Base64 with its line ends makes a file so much larger."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who writes to whom, under which name, as what.

    message_id   the same at every attempt: mail systems drop a copy
    replies_to   Message-ID of the first report on the period, for a correction
    """

    mail: Mail
    recipient: Recipient
    message_id: str
    correction: int
    replies_to: str | None
    sent_at: datetime


def message_id(
    mail: Mail, recipient: str, warehouse: str, summary: Summary, correction: int
) -> str:
    """Name a mail by what it is, so that no attempt gives it another name."""
    parts = (warehouse, summary.edition.name, summary.period, summary.last.isoformat(), recipient)
    digest = hashlib.sha256("\n".join((*parts, str(correction))).encode()).hexdigest()[:32]
    domain = mail.sender.rpartition("@")[2].strip(" >") or "lethe.invalid"
    return f"<lethe.{summary.period}.{summary.last:%Y%m%d}.{correction}.{digest}@{domain}>"


def build_message(
    summary: Summary,
    envelope: Envelope,
    files: Sequence[Path] = (),
    *,
    base_url: str | None = None,
    lines: Sequence[str] = (),
) -> EmailMessage:
    """Build one mail, at most as large as the policy allows.

    files  to attach, the most important first; what does not fit is named and left out
    lines  proofs beside those of the Summary, such as the pack's: in the text and in the header
    """
    language = envelope.recipient.language
    pictures = _pictures(summary, language, envelope.message_id)
    setting = Setting(base_url, pictures, {}, {}, envelope.correction, tuple(lines))
    budget = envelope.mail.max_bytes - len(_assemble(summary, envelope, setting, (), lines))
    kept, left = _share_out(files, budget)
    full = replace(setting, attached=_sizes(kept), left_out=_sizes(left))
    return _message(summary, envelope, full, kept, lines)


def _share_out(files: Sequence[Path], budget: int) -> tuple[list[Path], list[Path]]:
    kept, left = [], []
    # The list of files itself, and the heads of their parts.
    budget -= 20_000
    for file in files:
        size = int(file.stat().st_size * _ON_THE_WIRE)
        if size <= budget:
            kept.append(file)
            budget -= size
        else:
            left.append(file)
    return kept, left


def _sizes(files: Sequence[Path]) -> dict[str, int]:
    return {file.name: file.stat().st_size for file in files}


def _pictures(summary: Summary, language: str, name: str) -> dict[str, Picture]:
    # Short enough for one line of a header: not every mail program joins a folded one.
    tail = f"{hashlib.sha256(name.encode()).hexdigest()[:16]}@lethe"
    return {
        chart.name: Picture(chart.name, chart.title, chart.alt, chart.png, f"{chart.name}.{tail}")
        for chart in charts(summary, language, "light")
        if summary.period == "month" or chart.name in _DAILY
    }


def _assemble(
    summary: Summary,
    envelope: Envelope,
    setting: Setting,
    files: Sequence[Path],
    lines: Sequence[str],
) -> bytes:
    return _message(summary, envelope, setting, files, lines).as_bytes()


def _message(
    summary: Summary,
    envelope: Envelope,
    setting: Setting,
    files: Sequence[Path],
    lines: Sequence[str],
) -> EmailMessage:
    letter = compose(summary, envelope.recipient.language, setting)
    message = EmailMessage(policy=SMTP)
    message["From"] = envelope.mail.sender
    message["To"] = envelope.recipient.email
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(envelope.sent_at)
    message["Message-ID"] = envelope.message_id
    if envelope.replies_to:
        message["In-Reply-To"] = envelope.replies_to
        message["References"] = envelope.replies_to
    message["Auto-Submitted"] = "auto-generated"
    for name, value in _proofs(summary, lines).items():
        message[name] = value
    message.set_content(render_text(letter), cte="quoted-printable")
    message.add_alternative(render_html(letter), subtype="html", cte="quoted-printable")
    html = message.get_payload()[1]  # type: ignore[index]
    for picture in setting.pictures.values():
        html.add_related(  # type: ignore[union-attr]
            picture.png,
            "image",
            "png",
            cid=f"<{picture.cid}>",
            filename=f"{picture.name}.png",
            disposition="inline",
        )
    for file in files:
        main, sub = _TYPES.get(file.suffix.lstrip("."), ("application", "octet-stream"))
        message.add_attachment(file.read_bytes(), main, sub, filename=file.name)
    # Setting the content takes such a header away.
    message["Content-Language"] = letter.language
    return message


def _proofs(summary: Summary, lines: Sequence[str]) -> Mapping[str, str]:
    """Head, seal and signer as headers too: what is read by a program must not hang on a layout."""
    found: dict[str, str] = {}
    if summary.archive and summary.archive.line:
        found["X-Lethe-Archive-Head"] = summary.archive.line
    if summary.seal and summary.seal.line:
        found["X-Lethe-Ledger-Seal"] = summary.seal.line
    if summary.signer:
        found["X-Lethe-Signer"] = summary.signer
    for line in lines:
        name = line.partition(" ")[0].removeprefix("lethe-").title()
        found.setdefault(f"X-Lethe-{name}", line)
    return found
