"""User agents reduced to what a report needs and a person does not show in."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from ua_parser.core import PartialResult

_CACHE_LIMIT: Final = 50_000
# Nothing behind this many characters is worth the time.
_LONGEST: Final = 512
_BOT: Final = re.compile(
    r"(?i)bot\b|bot[/ ;)_-]|crawl|spider|slurp|scrap|archiver|fetch|monitor|check|scan|probe|feed"
    r"|preview|validator|curl|wget|python|java/|okhttp|libwww|perl|ruby|go-http|http[-_]?client"
    r"|apache-|php/|headless|phantom|facebookexternalhit|mediapartners|\+https?://|ia_archiver"
)
_TABLET: Final = re.compile(r"iPad|Tablet|PlayBook|Kindle|Silk/|Nexus (?:7|9|10)\b")
_MOBILE: Final = re.compile(r"Mobi|iPhone|iPod|Android|Windows Phone|BlackBerry|BB10|Opera Mini")
_TELEVISION: Final = re.compile(
    r"(?i)smart-?tv|appletv|googletv|hbbtv|roku|bravia|crkey|aft[a-z]+ "
)
_DESKTOP: Final = re.compile(r"Windows NT|Macintosh|X11|Linux|CrOS|Win(?:98|95|16)|FreeBSD")


class Agent(NamedTuple):
    """What stays of a user agent."""

    family: str | None
    major: str | None
    os: str | None
    device: str
    bot: bool


NO_AGENT: Final = Agent(None, None, None, "unknown", bot=False)


@cache
def _resolver() -> Callable[..., PartialResult]:
    # The resolver in Rust runs in linear time; the one in Python can be made slow.
    from ua_parser import loaders
    from ua_parser.regex import Resolver

    families, systems, _ = loaders.load_lazy_builtins()
    # Devices, two thirds of the patterns, are not asked for: ready in less than half the time.
    return Resolver((families, systems, []))


def get_ready() -> None:
    """Compile the patterns, which takes a tenth of a second."""
    _resolver()


_known: dict[str, Agent] = {}


def reduce_agent(text: str) -> Agent:
    """Reduce one user agent to family, major version, OS family, device class and bot flag."""
    found = _known.get(text)
    if found is None:
        found = _reduce(text[:_LONGEST])
        if len(_known) >= _CACHE_LIMIT:
            _known.clear()
        _known[text] = found
    return found


def _reduce(text: str) -> Agent:
    from ua_parser.core import Domain

    if text in ("", "-"):
        return NO_AGENT
    # IIS writes spaces as plus signs.
    if " " not in text and "+" in text:
        text = text.replace("+", " ")
    result: Any = _resolver()(text, Domain.USER_AGENT | Domain.OS)
    bot = _BOT.search(text) is not None
    family = result.user_agent.family if result.user_agent else None
    major = result.user_agent.major if result.user_agent else None
    return Agent(
        family if family and len(family) <= 40 else None,
        major if major and major.isdigit() and len(major) <= 4 else None,
        result.os.family if result.os else None,
        "bot" if bot else _device(text),
        bot,
    )


def _device(text: str) -> str:
    if _TELEVISION.search(text):
        return "tv"
    if _TABLET.search(text) or ("Android" in text and "Mobi" not in text):
        return "tablet"
    if _MOBILE.search(text):
        return "mobile"
    return "desktop" if _DESKTOP.search(text) else "unknown"
