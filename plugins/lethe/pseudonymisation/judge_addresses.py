"""Decides on proposals of addresses and of the names of hosts that hold one."""

from __future__ import annotations

import ipaddress
import re
from typing import Final, Protocol

from lethe.pseudonymisation.addresses import MARK, pack_address
from lethe.pseudonymisation.spelling import DEFANGED, fully_unquoted
from lethe.pseudonymisation.versions import DOT, is_version
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


_DOTTED: Final = re.compile(
    # The escape of a quote ends with digits.
    rf"(.*%(?:25)*22(?=[0-9])|.*?(?<![0-9.]))([0-9]+(?:{DOT}[0-9]+){{3,}})([._-]?[A-Za-z][A-Za-z0-9.-]*|-[0-9].*|/.*)?\Z",
    re.DOTALL,
)
_DASHED: Final = re.compile(r"(.*?)(?<![0-9])((?:[0-9]{1,3}-){3}[0-9]{1,3})((?:[.-].*)?)\Z")
# `Ad::Feed`: a module of Perl or Ruby whose letters are hexadecimal digits.
_MODULE: Final = re.compile(r"(?:::)?[A-F][a-f]+(?:::[A-Fa-f]+)+\Z")
_RANGE: Final = re.compile(r"-[0-9]+(?:\.[0-9]+){3}")
_ARPA: Final = re.compile(r"(?i)\.(?:in-addr|ip6)\.arpa\Z")


class AddressJudge:
    """Tells addresses from versions, times and paths."""

    def __init__(self, replacements: Replacements) -> None:
        self._replace = replacements

    def _judge_v6(self, text: str) -> str:
        plain = fully_unquoted(re.sub(r"%(?:25)*3[Aa]", ":", text))
        if plain.strip(":") == "" or plain.count(":") < 2 or _MODULE.match(plain):
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
        front, dotted, back = match[1], fully_unquoted(DEFANGED.sub(".", match[2])), match[3] or ""
        if _RANGE.match(back):
            # The last address of a range.
            return self._judge_v4(text[: -len(back)]) + "-" + self._judge_v4(back[1:])
        octets = dotted.split(".")
        if len(octets) == _WITH_PORT and _is_port(octets):
            # As tcpdump writes a port.
            cut = text.rfind(".")
            return self._judge_v4(text[:cut]) + text[cut:]
        packed = pack_address(dotted) if len(octets) == 4 else None
        if packed is None:
            return text
        if _ARPA.search(back):
            return front + self._replace.value("host", (dotted + back).lower())
        numbers = [int(octet) for octet in octets]
        if is_version(front, numbers, back):
            return text
        small = max(numbers) < 100 and numbers[0] not in (0, 10)
        ending = back.rsplit(".", 1)[-1].lower()
        if back.startswith(".") and ending not in FILE_ENDINGS:
            if back.count(".") >= 2:
                return front + self._replace.value("host", (dotted + back).lower())
        elif back and small and (front or back[0] != "/"):
            return text
        if front[-1:] == "/" and numbers[2:] == [0, 0]:
            return text
        if front and front[-1].isalpha() and small:
            return text
        return front + MARK + self._replace.address(packed) + back

    def _judge_odd_host(self, text: str) -> str:
        cut = re.match(r"(?::|%(?:25)*3[Aa])(?:(?:/|%(?:25)*2[Ff]){2}|\\/\\/)", text)
        host = text[cut.end() :] if cut else ""
        packed = _pack_numbers(host.rstrip("."))
        if cut is None or packed is None:
            return text
        return cut[0] + MARK + self._replace.address(packed)


def _pack_numbers(host: str) -> bytes | None:
    """Read an address as `inet_aton` does: one to four numbers, decimal, octal or hexadecimal."""
    parts = host.split(".")
    if len(parts) > 4 or not all(_NUMBER.fullmatch(part) for part in parts):
        return None
    numbers = [_read_number(part) for part in parts]
    value = 0
    for place, number in enumerate(numbers[:-1]):
        if number > 255:
            return None
        value |= number << 8 * (3 - place)
    if numbers[-1] >= 256 ** (5 - len(numbers)):
        return None
    value |= numbers[-1]
    # A number that stands for the name of a host, such as a date, is too small.
    return pack_address(str(ipaddress.IPv4Address(value))) if value >= _LEAST else None


_WITH_PORT: Final = 5
_LEAST_LARGE: Final = 100
_LEAST_PORT: Final = 1024
_PORTS: Final = frozenset({22, 25, 53, 80, 110, 123, 143, 443, 465, 587, 993, 995, 3306, 5432})


def _is_port(octets: list[str]) -> bool:
    *numbers, port = map(int, octets)
    if max(numbers) > 255 or not (_LEAST_PORT <= port <= 65535 or port in _PORTS):
        return False
    return max(numbers) >= _LEAST_LARGE or numbers[0] == 10


_NUMBER: Final = re.compile(r"0[xX][0-9A-Fa-f]{1,8}|0[0-7]*|[1-9][0-9]*")
_LEAST: Final = 0x10000000


def _read_number(text: str) -> int:
    if text[:2].lower() == "0x":
        return int(text, 16)
    return int(text, 8) if text[0] == "0" else int(text)
