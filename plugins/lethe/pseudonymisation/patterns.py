"""Where personal data may stand in text: one pattern for Rust's regex engine.

The pattern only proposes; `judge.py` decides on each distinct proposal. It runs in linear time
whatever the text is: Rust's engine never backtracks. Its alternatives are tried from the left
end of the text, at one place in the order in which they stand here, so that an e-mail address
behind `u=` is met whole and once.
"""

from __future__ import annotations

from typing import Final

from lethe.pseudonymisation.daemons import ASKED_NAME, DIGEST, HARDWARE
from lethe.pseudonymisation.keyed import KEYED
from lethe.pseudonymisation.phones import LABEL, PHONE, PHONE_KEY
from lethe.pseudonymisation.phrases import (
    BEHALF,
    BY_NAME,
    CRONTAB,
    NAME,
    PHRASE,
    QUOTED,
    SPACED_NAME,
    SU,
)
from lethe.pseudonymisation.versions import DOT, DOTTED

# An escaped character in front of a word hides where the word begins: `%3Dalice%40...`.
ESCAPE: Final = (
    r"""(?:%(?:25)*[0-9A-Fa-f]{2}|\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\[nrt"'/\\]|&[a-z]{2,4};)"""
)
START: Final = r"(?-u:\b{start-half})"
END: Final = r"(?-u:\b{end-half})"

ENDING: Final = (
    r"A-Za-z\u{C0}-\u{D6}\u{D8}-\u{F6}\u{F8}-\u{2AF}\u{300}-\u{52F}\u{600}-\u{1FFF}"
    r"\u{3040}-\u{30FF}\u{3400}-\u{9FFF}\u{AC00}-\u{D7AF}"
)
LETTERS: Final = "0-9" + ENDING
AT: Final = r"(?:@|%(?:25)*40|\\u0040|\\x40|&#64;|&#x40;|&commat;|=40|\[at\]|\(at\)|\[@\])"
# Escaped characters that may stand in a local part: none that ends a value, a word or a path.
LOCAL_ESCAPE: Final = (
    r"%(?:25)*(?:2[1457ABDEabde]|3[0-9]|4[1-9A-Fa-f]|5[0-9AEFaef]|6[0-9A-Fa-f]|7[0-9AEae]"
    r"|[89A-Fa-f][0-9A-Fa-f])|\\x[89a-fA-F][0-9A-Fa-f]"
)
# Letters outside of ASCII, as browsers send them; an encoded hyphen, letter or digit besides.
HOST_ESCAPE: Final = (
    r"%(?:25)*(?:[89A-Fa-f][0-9A-Fa-f]|2[Dd]|3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa])"
    r"|\\x[89a-fA-F][0-9A-Fa-f]"
)
V4: Final = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
# What stands in quotes in front of the @ may hold blanks: `"anna meier"@…`.
QUOTED_LOCAL: Final = r"""(?:"[^"@\s][^"@]*"|%(?:25)*22[^"@&;=?#/<>\s]+?%(?:25)*22)"""
# Who sends lists writes whom a message was for in front of the @, with a `=` in its place.
_RETURN: Final = (
    r"(?i:srs[01]|prvs|msprvs1|btv1)[=+-][A-Za-z0-9_.+=/-]+"
    r"|[A-Za-z0-9_][A-Za-z0-9_.-]*(?:\+|%(?:25)*2[Bb])[A-Za-z0-9_.+-]*(?:=|%(?:25)*3[Dd])"
    rf"[A-Za-z0-9_-]+(?:{DOT}[A-Za-z0-9_-]+)+"
)
EMAIL: Final = (
    rf"(?:{_RETURN}|(?:[{LETTERS}_]|{LOCAL_ESCAPE})(?:[{LETTERS}_.+~!$*'`^{{}}|-]|%[g-zG-Z]|{LOCAL_ESCAPE})*"
    rf"|{QUOTED_LOCAL}){AT}"
    rf"(?:\[?{V4}\]?|(?:(?:[{LETTERS}-]|{HOST_ESCAPE})+{DOT})+"
    rf"(?:xn--[A-Za-z0-9-]+|(?:[{ENDING}]|{HOST_ESCAPE})(?:[{ENDING}]|{HOST_ESCAPE})+))"
)

# The same with fewer letters, where a path has one.
PATH_EMAIL: Final = (
    rf"(?:[A-Za-z0-9_.+~-]|{LOCAL_ESCAPE})+{AT}"
    rf"(?:(?:[A-Za-z0-9-]|{HOST_ESCAPE})+{DOT})+(?:[A-Za-z]|{HOST_ESCAPE})(?:[A-Za-z]|{HOST_ESCAPE})+"
)

AUTH: Final = (
    r"(?i:bearer|basic|digest)(?i: auth(?:entication|orization)?:?)?(?:\s|%20|\+)+"
    r"[A-Za-z0-9._~+/=-]{8,}"
)
WELL_KNOWN: Final = (
    r"eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?"
    r"|[spr]k_(?:live|test)_[0-9A-Za-z]{10,}|gh[pousr]_[A-Za-z0-9]{20,}"
    r"|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|xox[abeprs]-[A-Za-z0-9-]{10,}"
    r"|AKIA[0-9A-Z]{16}|AIza[0-9A-Za-z_-]{35}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"
    r"|S-1-5-21(?:-[0-9]{1,10}){3,5}|SHA256:[A-Za-z0-9+/]{43}=?|MD5:[0-9a-f]{2}(?::[0-9a-f]{2}){15}"
)
UUID: Final = r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"
# Of a login in a URL: an apostrophe between letters is part of a name.
_LOGIN: Final = r"(?:[A-Za-z]'[A-Za-z]|[^\s/?#\"'<>@\\])"
GAP: Final = r"(?:[ .+-]|%(?:25)*20)"

# Length of an IBAN by country: SWIFT, IBAN registry.
_IBAN_REGISTRY: Final = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 "
    "DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 "
    "HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 "
    "MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 "
    "RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 "
    "VA22 VG24 XK20 YE30"
)
IBAN_LENGTHS: Final = {entry[:2]: int(entry[2:]) for entry in _IBAN_REGISTRY.split()}


def _iban_pattern() -> str:
    by_length: dict[int, list[str]] = {}
    for country, length in IBAN_LENGTHS.items():
        by_length.setdefault(length, []).append(country)
    return "|".join(
        rf"(?i:{'|'.join(countries)})[0-9]{{2}}(?:{GAP}?[A-Za-z0-9]){{{length - 4}}}"
        for length, countries in sorted(by_length.items())
    )


CARD: Final = (
    rf"[2-6][0-9]{{12,18}}|[0-9]{{4}}(?:{GAP}[0-9]{{4}}){{2,5}}(?:{GAP}[0-9]{{1,3}})?"
    rf"|3[0-9]{{3}}{GAP}[0-9]{{6}}{GAP}[0-9]{{4,5}}"
)
HEX: Final = r"[0-9A-Fa-f]{1,4}"
COLON: Final = r"(?::|%(?:25)*3[Aa])"
ZONE: Final = r"(?:%(?:25)?(?:[A-Za-z]{2,12}[0-9]{1,4}(?:[.][0-9]{1,4})?|lo))?"
V6: Final = (
    rf"(?:{HEX}{COLON}{COLON}?|{COLON}{COLON}(?:{V4}|{HEX}{COLON}?))"
    rf"(?:{HEX}{COLON}{COLON}?){{0,7}}"
    rf"(?:{V4}|{HEX})?{ZONE}"
)
HOST: Final = (
    r"(?:[A-Za-z][A-Za-z0-9]*[.-])*[0-9]{1,3}(?:-[0-9]{1,3}){3}(?:[.-][A-Za-z0-9-]+)*"
    r"\.[A-Za-z][A-Za-z0-9-]*"
    r"|ip-[0-9]{1,3}(?:-[0-9]{1,3}){3}|(?:[0-9A-Fa-f]\.)+ip6\.arpa"
)
# Behind these words a path goes on with a secret.
BEHIND_WORD: Final = (
    r"(?i:sessions?|tokens?|reset|reset-?password|password-?reset|confirm|confirmation|verify"
    r"|verification|activate|activation|invite|invitations?|unsubscribe|magic|magic-?link|login"
    rf"|auth|oauth|share|optout|opt-out)/(?:{PATH_EMAIL}|[A-Za-z0-9_~.=-]+)"
)
# A counted repetition over `-` would start anew at each one and leave the engine's fast path.
# `/users/jdoe77`: a word for people, and who it is.
_PEOPLE_WORDS: Final = (
    r"users?|home|profile?s?|profil[es]?|perfil|members?|people|authors?|autor(?:en|es)?|accounts?"
    r"|customers?|clients?|u|patients?|employees?|students?|personal|persons?|personen|personas"
    r"|benutzer|nutzer|mitglied(?:er)?|membres?|kunden?|mitarbeiter|utilisateurs?|usuarios?|utenti"
    r"|players|staff|by-(?:name|user)|by_(?:name|user)|owners?|teachers?|trainers?|drivers?|followers?"
    r"|gebruikers?|leden|medlem(?:mar|mer)?|uzytkownik"
)
BEHIND_PEOPLE: Final = rf"(?:(?i:{_PEOPLE_WORDS})(?:/|%(?:25)*2[Ff]))+"
PATH_NAME: Final = (
    r"(?:[A-Za-z_]|%(?:25)*[C-Fc-f][0-9A-Fa-f])(?:[A-Za-z0-9_.~-]|%(?:25)*[89A-Fa-f][0-9A-Fa-f])*"
)
RUN: Final = r"(?:[A-Za-z0-9_]+-)*[A-Za-z0-9_]{20,}(?:-[A-Za-z0-9_]+)*(?:\.[A-Za-z0-9]+)*"
HOME: Final = r"(?:home|Users|Documents and Settings)(?:/|\\{1,2})[^\s/\\\"'<>:;,?&#()]+"


# What only daemons write.
DAEMONS: Final = frozenset(["crontab", "su", "spaced", "by", "behalf", "quoted", "phrase", "home"])


def scan_groups(*, free: bool, phones: bool) -> dict[str, str]:
    """Give the pattern of each kind of proposal, in the order in which they are tried.

    free    also the phrases that daemons write around user names, and home directories
    phones  also telephone numbers, which much else resembles
    """
    groups = {
        "url_user": rf"//{_LOGIN}*(?::|%3[Aa]){_LOGIN}*@",
        "tilde": r"/~[^\s/?#&\"'<>]+",
        "asked_name": ASKED_NAME,
        "crontab": CRONTAB,
        "su": SU,
        "phone": PHONE + END,
        "spaced": SPACED_NAME,
        "by": BY_NAME,
        "behalf": BEHALF,
        "quoted": QUOTED,
        "phrase": f"{PHRASE}(?:{EMAIL}|{NAME})",
        "home": HOME,
        "email": EMAIL,
        "phone_key": PHONE_KEY + END,
        "keyed": KEYED,
        "auth": AUTH,
        "token": WELL_KNOWN,
        "uuid": UUID + END,
        "digest": DIGEST + END,
        "hardware": HARDWARE + END,
        "iban": f"(?:{_iban_pattern()}){END}",
        # The digits behind a decimal point are no card.
        "fraction": r"[0-9]{1,4}\.[0-9]{10,}" + END,
        "card": f"(?:{CARD}){END}",
        "v6": V6 + END,
        "host": f"(?:{HOST}){END}",
        "v4": DOTTED + END,
        "path_token": BEHIND_WORD,
        "path_name": f"{BEHIND_PEOPLE}(?:{EMAIL}|{PATH_NAME}){END}",
        "label": LABEL + END,
        "run": RUN,
    }
    left_out: frozenset[str] = frozenset() if free else DAEMONS
    if not phones:
        left_out = left_out | {"phone", "phone_key", "label"}
    return {name: pattern for name, pattern in groups.items() if name not in left_out}


# What every proposal outside free text contains: a look that is much cheaper than the pattern.
_PEOPLE: Final = rf"(?i:{_PEOPLE_WORDS})(?:/|%(?:25)*2[Ff])[A-Za-z_%]"
GLANCE_VALUE: Final = (
    r"[@~\\]|:[^/]|=40|\[at\]|\(at\)|//0|//[0-9]{8}|(?i:dav/|principals/u|addressbooks/u)|%[0-9A-Fa-f]{2}[0-9A-Za-z]{4}|%(?:25)*(?:40|3[ADad])"
    rf"|[0-9]{DOT}[0-9]+{DOT}[0-9]+{DOT}[0-9]|%(?:25)*22|ip6\.arpa|{START}(?:[0-9]{{13}}|[A-Za-z0-9_]{{20}}"
    rf"|[0-9]{{4}}{GAP}[0-9]{{4}}|[0-9]{{1,3}}-[0-9]{{1,3}}-[0-9]{{1,3}}-[0-9]"
    rf"|[A-Za-z]{{2}}[0-9]{{2}}(?:{GAP}?[A-Za-z0-9]){{11}}|eyJ|AKIA|S-1-5|SHA256|[spr]k_|gh[pousr]_"
    r"|glpat-|xox|SG\.|(?i:bearer|basic|digest)[ %+]"
    r"|(?i:sess|toke|rese|pass|conf|veri|acti|invi|unsu|magi|logi|auth|oaut|shar|opto|opt-)"
    rf"[A-Za-z-]*/|{_PEOPLE})"
)
GLANCE: Final = rf"[=&]|{GLANCE_VALUE}"

# These begin with a character that is no part of a word, so that no word boundary is asked for.
UNBOUND: Final = frozenset(["url_user", "tilde", "asked_name", "crontab", "su", "phone"])


# Each of these counts what it reads, and all three kinds in one pattern would make so many states
# that Rust's engine forgets them again and leaves its fast path: they are looked for in turn.
_FIRST: Final = frozenset(["keyed"])
_LAST: Final = frozenset(
    ["iban", "card", "fraction", "uuid", "run", "token", "auth", "phone", "phone_key", "label"]
)
_TWICE: Final = frozenset(["digest"])


def scan_passes(groups: dict[str, str]) -> tuple[dict[str, str], ...]:
    """Divide the groups into those that are looked for in one pass, in the order of the passes.

    Values with names go first; what only its form tells, last: nothing of it stands in the
    pseudonyms of the passes before.
    """
    second = {n: p for n, p in groups.items() if n not in _FIRST | _LAST}
    last = {n: p for n, p in groups.items() if n in _LAST | _TWICE}
    return {n: p for n, p in groups.items() if n in _FIRST}, second, last


def scan_pattern(groups: dict[str, str]) -> str:
    """Join the groups into the one pattern that finds every proposal."""
    unbound = "|".join(f"(?:{p})" for name, p in groups.items() if name in UNBOUND)
    bound = "|".join(f"(?:{p})" for name, p in groups.items() if name not in UNBOUND)
    bound = f"(?:{ESCAPE}+|{START})(?:{bound})"
    return f"{unbound}|{bound}" if unbound else bound


def whole_pattern(groups: dict[str, str], name: str) -> str:
    """Give the pattern that tells whether a proposal as a whole is of the kind `name`."""
    lead = "" if name in UNBOUND else f"{ESCAPE}*"
    return f"^{lead}(?:{groups[name]})$"
