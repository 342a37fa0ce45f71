"""What stands in few texts, and would make one pattern with the rest twice as dear.

It is looked for in a pass of its own, where a glance tells that it may be there.
"""

from __future__ import annotations

from typing import Final

from lethe.pseudonymisation.patterns import PATH_EMAIL

# `/@anna`, but no package of npm's.
HANDLE: Final = r"/@[A-Za-z][A-Za-z0-9_.-]*(?:/[A-Za-z0-9._-]+@)?"
SCOPE: Final = (
    r"(?:npm|node_modules|registry[a-z0-9.]*|unpkg\.com|esm\.sh|skypack\.dev|packages?|\.pnpm|yarn)"
    r"/@[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+"
)
# `//3405803783/`, `//0xCB.0x00.0x71.0x07/`: an address in other numbers, as the host of a URL.
ODD_HOST: Final = (
    r"(?::|%(?:25)*3[Aa])(?:(?:/|%(?:25)*2[Ff]){2}|\\/\\/)"
    r"(?:0[xX][0-9A-Fa-f]{1,8}|0[0-7]{1,11}|[0-9]{8,10})(?:\.(?:0[xX][0-9A-Fa-f]{1,8}|[0-9]{1,11})){0,3}"
    r"[A-Za-z0-9.-]*"
)
# In these folders each user has his own.
_SHARED: Final = r"(?i:dav/(?:files|calendars|uploads|avatars)|(?:principals|addressbooks)/users)"
SHARED_FOLDER: Final = rf"{_SHARED}/(?:{PATH_EMAIL}|[^\s/?#&\"'<>;,]+)"
# The whole of it lets anybody speak as the bot.
BOT: Final = r"bot[0-9]{8,10}(?::|%3[Aa])[A-Za-z0-9_-]{20,}"
# Of all cookies the values go; behind the first one of `Set-Cookie` stand its attributes.
_PAIR: Final = r"[^=;\s\"',]+=[^;\s\"',]+"
COOKIES: Final = rf"(?i:set-cookie: ?){_PAIR}|(?i:cookie: ?){_PAIR}(?:; ?{_PAIR})*"
RARE: Final = (
    f"(?-u:\\b{{start-half}})(?:{COOKIES}|{SCOPE}|{SHARED_FOLDER}|{BOT})|{HANDLE}|{ODD_HOST}"
)
RARE_GLANCE: Final = (
    r"/@[A-Za-z]|(?i:cookie: ?[^=;\s]+=)|bot[0-9]{8}|(?i:dav/|principals/u|addressbooks/u)"
    r"|(?://|\\/\\/|(?:%(?:25)*2[Ff]){2})(?:0[0-7xX]|[0-9]{8})"
)
