"""Templates and words: every page is rendered here, escaped, in the language that was asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from babel.dates import format_timedelta
from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lethe.console.told import tell_limit
from lethe.include import include_folder
from lethe.policy.diff import Change as PolicyChange
from lethe.reporting.mail.phrases import share as in_percent
from lethe.reporting.policy_changes import say_policy_change
from lethe.reporting.summary import Unknown
from lethe.reporting.words import LANGUAGES, Wording, choose, wording

COOKIE = "lethe_language"
PAGES = ("overview", "clauses", "waiting", "rules", "runs", "holds", "evidence", "quality")
POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
        "base-uri 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Vary": "Cookie, Accept-Language",
}


@dataclass(frozen=True, slots=True)
class Paper:
    """What a template writes with: words, numbers and days of one language, in one zone."""

    words: Wording
    zone: str

    def say(self, key: str, **values: object) -> str:
        return self.words.say(key, **values)

    def count(self, key: str, number: int, **values: object) -> str:
        return self.words.count(key, number, **values)

    def code(self, kind: str, code: str) -> str:
        return self.words.code(kind, code)

    def text(self, words: Any) -> str:
        """A text by language, as the policy wrote it."""
        return choose(words, self.words.language)

    def policy_change(self, change: PolicyChange) -> str:
        """One difference of two editions of the policy."""
        return say_policy_change(change, self.words.language)

    def number(self, number: float | None) -> str:
        return "–" if number is None else self.words.number(number)

    def percent(self, share: float | None) -> str:
        return "–" if share is None else in_percent(self.words, share)

    def day(self, day: date | None, width: str = "medium") -> str:
        return "–" if day is None else self.words.day(day, width)

    def at(self, at: datetime | None) -> str:
        return "–" if at is None else self.words.instant(at, self.zone, "medium")

    def age(self, at: datetime) -> str:
        """How long ago something was made: '3 hours ago'."""
        return format_timedelta(
            at - datetime.now(UTC), add_direction=True, locale=self.words.locale
        )

    def about(self, unknown: Unknown) -> str:
        """What an unknown is about: a reading by its question, others by their title."""
        title, why = self.text(unknown.title), self.text(unknown.why)
        if unknown.kind == "reading":
            question = why[: why.find("?") + 1] or why
            return f"{title} · {question}" if title else question
        return title or why or unknown.what

    def because(self, unknown: Unknown) -> str:
        """What there is to say about it beside that."""
        why, about = self.text(unknown.why), self.about(unknown)
        if unknown.kind == "reading":
            return why[why.find("?") + 1 :].strip() if "?" in why else ""
        return "" if why == about else why

    def limit(self, text: str | None) -> str | None:
        """Which limit a set is over."""
        return tell_limit(text, self.words.language)

    def seconds(self, seconds: float | None) -> str:
        if seconds is None:
            return "–"
        if seconds < 120:
            return f"{self.words.number(round(seconds))} s"
        return f"{self.words.number(round(seconds / 60))} min"

    def counts(self, counts: Mapping[str, int], kind: str = "reason") -> str:
        """Reasons with their numbers, most first: '34 not archived, 1 held'."""
        ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
        said = [f"{self.number(count)} {self.code(kind, name)}" for name, count in ordered if count]
        return ", ".join(said) or "–"


def language_of(request: Request) -> str:
    """The language that was chosen on the page, else the browser's, else English."""
    chosen = request.cookies.get(COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    weighed: list[tuple[float, int, str]] = []
    for number, part in enumerate(request.headers.get("accept-language", "")[:200].split(",")):
        tag, _, weight = part.strip().partition(";q=")
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            quality = 0.0
        weighed.append((-quality, number, tag.partition("-")[0].lower()))
    return next((tag for quality, _, tag in sorted(weighed) if quality and tag in LANGUAGES), "en")


def base_of(request: Request) -> str:
    """The path under which the page is mounted, without a slash at its end."""
    return str(request.scope.get("root_path") or "").rstrip("/")


def render(
    request: Request,
    template: str,
    *,
    zone: str,
    status: int = 200,
    **values: Any,
) -> HTMLResponse:
    """Render a page."""
    language = language_of(request)
    base = base_of(request)
    paper = Paper(wording(language, "console"), zone)
    query = f"?{request.url.query}" if request.url.query else ""
    text = (
        _environment()
        .get_template(f"{template}.html")
        .render(
            p=paper,
            say=paper.say,
            language=language,
            languages=LANGUAGES,
            base=base,
            airflow=base.removesuffix("/lethe"),
            here=request.url.path.removeprefix(base) + query,
            pages=PAGES,
            version=static_version(),
            **values,
        )
    )
    return HTMLResponse(text, status, headers=HEADERS)


@cache
def static_version() -> str:
    """Changes when a file of the page changes, so that browsers may keep them."""
    digest = hashlib.sha256()
    for file in sorted((include_folder() / "templates" / "console" / "static").iterdir()):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(include_folder() / "templates" / "console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["short"] = _short
    environment.filters["hexed"] = bytes.hex
    return environment


def _short(text: str | Sequence[str], length: int = 12) -> str:
    return str(text)[:length]
