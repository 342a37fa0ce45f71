"""Decides on proposals of addresses and of the names of hosts that hold one."""

from __future__ import annotations

import re
from typing import Final, Protocol

from lethe.pseudonymisation.addresses import MARK, pack_address
from lethe.pseudonymisation.patterns import (
    BLANK,
    DOT,
    PRODUCTS,
    VERSION_WORDS,
)
from lethe.pseudonymisation.spelling import (
    fully_unquoted,
)
from lethe.pseudonymisation.words import FILE_ENDINGS, HOST_ENDINGS


class Replacements(Protocol):
    """What takes the place of a personal value, by kind.

    linkable   whether the same address always gets the same pseudonym
    """

    linkable: bool

    def address(self, packed: bytes) -> str:
        """Replace an address."""

    def value(self, kind: str, value: str) -> str:
        """Replace a value of the kind email, user, token, card, iban or phone."""


_JOINT: Final = rf"(?:[\"']|%22)?{BLANK}?[=:/_-]?{BLANK}?[\"']?v?"
_VERSION: Final = re.compile(
    rf"(?i)(?:(?P<sure>(?:{PRODUCTS})[/_-])"
    rf"|(?P<said>(?:versions?|ver|v|build|[a-z]+_version|sdk|oid|firmware|fw){_JOINT})"
    rf"|(?:{VERSION_WORDS}){_JOINT}|(?:{PRODUCTS}){BLANK})\Z"
)
_DOTTED: Final = re.compile(
    rf"(.*?)(?<![0-9.])([0-9]+(?:{DOT}[0-9]+){{3,}})([._-]?[A-Za-z][A-Za-z0-9.-]*|/.*)?\Z",
    re.DOTALL,
)
_EDITION: Final = re.compile(
    r"(?i)[._-]?(?:release|rc|beta|alpha|snapshot|final|ga|preview|stable|lts|hotfix|patch)(?![a-z])"
)
_DASHED: Final = re.compile(r"(.*?)(?<![0-9])((?:[0-9]{1,3}-){3}[0-9]{1,3})((?:[.-].*)?)\Z")
_ARPA: Final = re.compile(r"(?i)\.(?:in-addr|ip6)\.arpa\Z")


class AddressJudge:
    """Tells addresses from versions, times and paths."""

    def __init__(self, replacements: Replacements) -> None:
        self._replace = replacements

    def _judge_v6(self, text: str) -> str:
        plain = fully_unquoted(re.sub(r"%(?:25)*3[Aa]", ":", text))
        if plain.strip(":") == "" or plain.count(":") < 2:
            return text
        core, after = plain, ""
        packed = pack_address(core)
        if packed is None and core.endswith(":"):
            core, after = core[:-1], ":"
            packed = pack_address(core)
        if packed is None and (port := re.search(r":[0-9]{1,5}\Z", core)):
            packed, after = pack_address(core[: port.start()]), port[0] + after
        if packed is not None:
            return MARK + self._replace.address(packed) + after
        if four := re.search(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}\Z", text):
            return text[: four.start()] + self._judge_v4(four[0])
        return text

    def _judge_host(self, text: str) -> str:
        if text.lower().endswith(".ip6.arpa"):
            return self._replace.value("host", text.lower())
        match = _DASHED.match(text)
        if match is None or max(map(int, match[2].split("-"))) > 255:
            return text
        labels = [label for label in match[3].split(".") if label]
        if labels and (len(labels) < 2 or labels[-1].lower() in FILE_ENDINGS - HOST_ENDINGS):
            return text
        return self._replace.value("host", text.lower())

    def _judge_v4(self, text: str) -> str:
        match = _DOTTED.match(text)
        if match is None:
            return text
        front, dotted, back = match[1], fully_unquoted(match[2]), match[3] or ""
        octets = dotted.split(".")
        if len(octets) != 4 or _is_version(front, [int(octet) for octet in octets]):
            return text
        packed = pack_address(dotted)
        if packed is None:
            return text
        if _ARPA.search(back):
            return front + self._replace.value("host", (dotted + back).lower())
        if _EDITION.match(back):
            return text
        numbers = [int(octet) for octet in octets]
        small = max(numbers) < 100 and numbers[0] not in (0, 10)
        ending = back.rsplit(".", 1)[-1].lower()
        if back.startswith(".") and ending not in FILE_ENDINGS:
            if back.count(".") >= 2:
                return front + self._replace.value("host", (dotted + back).lower())
        elif back and small and (front or back[0] != "/"):
            return text
        if front[-1:] == "/" and numbers[2:] == [0, 0]:
            return text
        if front[-1:] in ("/", "-", "_") and small and (back or front[0].isupper()):
            return text
        if front and front[-1].isalpha() and small:
            return text
        return front + MARK + self._replace.address(packed) + back


def _is_version(front: str, numbers: list[int]) -> bool:
    """Judge by the words before: in doubt it is an address, for addresses have large numbers."""
    found = _VERSION.search(front)
    if found is None or found["sure"]:
        return found is not None
    return numbers[0] < 100 if found["said"] else max(numbers) < 100
