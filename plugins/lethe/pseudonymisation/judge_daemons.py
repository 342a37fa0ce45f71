"""Decides on the shapes in which daemons write names."""

from __future__ import annotations

import re
from typing import Final

from lethe.pseudonymisation.addresses import MARK, pack_address
from lethe.pseudonymisation.daemons import judged_shapes
from lethe.pseudonymisation.judge_mail import MailJudge
from lethe.pseudonymisation.spelling import fully_unquoted, has_both
from lethe.pseudonymisation.words import NOT_ENTRIES, NOT_NAMES, NOT_PEERS

# What the first pass has replaced.
OURS: Final = re.compile(
    r"(?:.*@)?(?:(?:email|user|token|host)_[a-z2-7]{16}|ip_[0-9a-f:.]+)|\[(?:card|iban|phone)\]"
)
# Who signs certificates, and for which hosts.
_AUTHORITY: Final = re.compile(
    r"(?i)\b(?:root|ca|certification|authority|encrypt|ssl|tls|rsa|ecc|ecdsa|trust|issuing"
    r"|intermediate|signing|server|global|digicert|sectigo|isrg)\b|^\*|\..*\."
)
# Words of a header or of a report in front of an address, and no name.
_HEADER: Final = re.compile(
    r"\b(?:from|to|cc|bcc|mail|e-mail|email|message|sender|recipients?|address|addresses|invalid"
    r"|user|rcpt|subject|reply|return|path|error|failed|delivery|notification|unknown|an|von|the)\b"
)


class DaemonJudge(MailJudge):
    """Writes what takes the place of what stands in the places of a shape."""

    def fill_shape(self, text: str) -> str:
        """Replace what stands in the places of the first shape that fits the text."""
        for pattern, places in judged_shapes():
            match = pattern.fullmatch(text)
            if match is None:
                continue
            made: list[str] = []
            end = 0
            for number, place in enumerate(places, 1):
                made += (text[end : match.start(number)], self._placed(place, match[number], text))
                end = match.end(number)
            return "".join(made) + text[end:]
        return text

    def _placed(self, place: str, found: str, text: str) -> str:
        """Replace what stands in one place."""
        if OURS.fullmatch(found):
            return found
        if place in ("ip", "peer"):
            packed = pack_address(found)
            return found if packed is None else MARK + self._replace.address(packed)
        if place == "mail":
            return self._judge_email(found)
        if place in ("token", "secret"):
            return self._replace.value("token", found)
        if place == "host":
            return self._replace.value("host", found.lower())
        words = found.strip().lower()
        if words in NOT_NAMES or not any(c.isalnum() for c in words):
            return found
        if place == "full" and _HEADER.search(words):
            return found
        if place == "entry" and (words in NOT_ENTRIES or _AUTHORITY.search(words)):
            return found
        # In brackets and in front of addresses a number is a process, a word a protocol.
        if place == "clear" and not (has_both(found) or "." in found):
            return found
        if place in ("user", "lower") and (words.isdigit() or ("/" in text and words in NOT_PEERS)):
            return found
        return self.value("user", found)

    def _judge_asked_name(self, text: str) -> str:
        name, value = text.split("=", 1)
        return text if value.isdigit() else f"{name}={self.value('user', fully_unquoted(value))}"
