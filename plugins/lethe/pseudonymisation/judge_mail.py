"""Decides on e-mail addresses, and on whole values that may be one."""

from __future__ import annotations

import re
from typing import Final

from lethe.pseudonymisation.addresses import MARK, pack_address
from lethe.pseudonymisation.judge_addresses import AddressJudge
from lethe.pseudonymisation.spelling import (
    AT_SIGN,
    DEFANGED,
    canonical_email,
    fully_unquoted,
    unescaped,
)
from lethe.pseudonymisation.words import DOCUMENT_ENDINGS, FILE_ENDINGS

# Already canonical but for its case; nearly all are.
_PLAIN_EMAIL: Final = re.compile(r"[a-z0-9_][a-z0-9_.+-]*@(?:[a-z0-9-]+\.)+([a-z]{2,24})\Z")


# Names of algorithms carry the domain of who invented them: RFC 4250, section 4.6.1.
_INVENTORS: Final = (
    "@openssh.com",
    "@libssh.org",
    "@ssh.com",
    "@lysator.liu.se",
    "@putty.projects",
)
_ALGORITHM: Final = re.compile(
    r"(?:[a-z0-9]+-)+[a-z0-9]+\Z|(?:zlib|none|statvfs|fstatvfs|fsync|eow|ping)\Z"
)


def is_algorithm(email: str) -> bool:
    """Tell `zlib@openssh.com` from the address of a mailbox."""
    local, _, domain = email.partition("@")
    return f"@{domain}".startswith(_INVENTORS) and _ALGORITHM.match(local) is not None


def is_service(local: str, domain: str) -> bool:
    """Tell the name of a machine in its Kerberos realm, as in `HTTP/web.corp.lu@CORP.LU`."""
    return f".{local.lower()}".endswith(f".{domain.lower()}")


class MailJudge(AddressJudge):
    """Tells e-mail addresses from units, packages and images that are written with an @."""

    def value(self, kind: str, text: str) -> str:
        """Replace a whole value, which is an e-mail or an address where it reads as one."""
        plain = unescaped(fully_unquoted(text))
        if "@" in plain and (at := plain.rfind("@")) and "." in plain[at:] and " " not in plain:
            return self._replace.value("email", canonical_email(plain))
        if (packed := pack_address(plain)) is not None:
            return MARK + self._replace.address(packed)
        return self._replace.value(kind, plain)

    def _judge_email(self, text: str) -> str:
        plain = text.lower()
        if (match := _PLAIN_EMAIL.match(plain)) and match[1] not in FILE_ENDINGS:
            none = is_algorithm(plain) or is_service(*plain.split("@", 1))
            return text if none else self._replace.value("email", plain)
        at = AT_SIGN.search(text)
        if at is None:
            return text
        domain = DEFANGED.sub(".", fully_unquoted(text[at.end() :])).lstrip("]")
        bare = domain.strip("[]")
        if bare[:1].isdigit() and (packed := pack_address(bare)) is not None:
            user = self.value("user", text[: at.start()])
            return user + at[0] + MARK + self._replace.address(packed)
        labels = domain.lower().split(".")
        if is_service(fully_unquoted(text[: at.start()]), domain):
            return text
        ending = labels[-1]
        file_of = ending in DOCUMENT_ENDINGS and len(labels) > 2 and labels[-2].isalpha()
        if file_of and len(labels[-2]) > 1 and labels[-2] not in FILE_ENDINGS:
            cut = text.rfind(".")
            return self._judge_email(text[:cut]) + text[cut:]
        if ending in FILE_ENDINGS and ending not in ("local", "internal", "do"):
            return text
        if ending.isdigit() or re.match(r"[0-9]x\.", domain):
            return text
        return self._replace.value("email", canonical_email(text))
