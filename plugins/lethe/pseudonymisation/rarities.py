"""What stands in few texts, and would make one pattern with the rest twice as dear.

It is looked for in a pass of its own, where a glance tells that it may be there.
"""

from __future__ import annotations

from typing import Final

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
RARE: Final = f"(?-u:\\b{{start-half}})(?:{SCOPE})|{HANDLE}|{ODD_HOST}"
RARE_GLANCE: Final = r"/@[A-Za-z]|(?://|\\/\\/|(?:%(?:25)*2[Ff]){2})(?:0[0-7xX]|[0-9]{8})"
