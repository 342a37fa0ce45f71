"""The shapes in which daemons write names, beyond phrases that end with one.

A shape is a regular expression with places such as `{user}`; what stands in a place is replaced,
the rest of the shape stays. They are looked for in a second pass, when addresses and e-mails have
their pseudonyms already, and only where one of the words of `TELLING` stands: in one pattern with
the others they would make every line thirty times as dear.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from lethe.pseudonymisation.oddities import BOUND_ODD, OPEN_ODD

_MAIL: Final = r"[^\s<>@\"(),;]+@[A-Za-z0-9._:-]+|email_[a-z2-7]{16}"
_CAPITAL: Final = r"[A-Z\u00c0-\u00de]"
_SMALL: Final = r"A-Za-z\u00c0-\u024f"
PLACES: Final = {
    "user": r"""(?:[A-Za-z]'[A-Za-z]|[^\s:;,()\[\]'"<>=@/|{}])+(?:@[A-Za-z0-9.-]+)?""",
    "local": r"[a-z0-9._=+/-]+",
    "word": r"\S+",
    "quoted": r'[^"<>]+',
    "phrase": r'[^\s<>"=,;:@][^<>"=,;:@]*',
    "token": r"[^\s<>]+",
    "ip": r"(?:ip_)?[0-9A-Fa-f:.]+",
    # A port stands behind all eight groups of a pseudonym: else the last group is taken for one.
    "peer": r"ip_(?:(?:[0-9a-f]+:){7}[0-9a-f]+|[0-9.]+)",
    "mail": _MAIL,
    "host": r"[^\s()]+",
    "entry": r"""(?:[^,()"'=;<>+*/\\]|\\.)+""",
    "account": r"[A-Za-z0-9][A-Za-z0-9.-]*\\{1,2}[A-Za-z0-9][A-Za-z0-9._$-]*",
    "full": rf"{_CAPITAL}[{_SMALL}.'-]*(?: {_CAPITAL}[{_SMALL}'-]+)+",
    # Between quotes of whatever language.
    "cited": r"""[^"'«»„“”‘’「」『』<>=,;:\r\n]{1,64}""",
    # Only what has a digit or a dot in it is a name there.
    "clear": r"""[^\s:;,.()\[\]'"<>=@/|{}「」]+(?:[.-][^\s:;,.()\[\]'"<>=@/|{}「」]+)*""",
    "lower": r"[a-z0-9][a-z0-9._@-]*",
    "field": r"[^\s|]+",
    "secret": r"[^\s|]+",
    "login": r"[a-z][a-z0-9]*(?:[._-][a-z0-9]+)*\$?",
}
_METHODS: Final = (
    "GET",
    "POST",
    "HEAD",
    "PUT",
    "DELETE",
    "OPTIONS",
    "PATCH",
    "CONNECT",
    "PROPFIND",
)
_DOMAIN: Final = r"[A-Z][A-Z0-9-]{1,14}"
_MAC: Final = r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}"
_MAILBOXES: Final = (
    r"(?:imap|pop3|lmtp|lda|sieve|managesieve|submission|indexer-worker|doveadm|imap-urlauth)"
)
_LDAP: Final = r"(?i:cn|sn|gn|givenname|displayname|samaccountname|gecos|memberuid)"
_PARENTS: Final = r"(?:HIER_|FIRST|DEFAULT|ROUNDROBIN|SIBLING|CLOSEST|CARP|ANY|TIMEOUT|DIRECT)"
# Words without which no shape fits, and the shapes that need one of them.
_BOUND: Final = (
    # dovecot
    ((")<",), _MAILBOXES + r"\({user}\)<[0-9]+><{token}>"),
    (("imap(", "pop3(", "lmtp(", "lda(", "sieve("), _MAILBOXES + r"\({user}\):"),
    ((",<",), r"[a-z0-9-]{2,}\({user},{ip},<{token}>\)"),
    (("passwd-file(", "pam(", "sql(", "ldap(", "passwd("), r"[a-z0-9-]{2,}\({user},{ip}\)"),
    # exim, spamd; its `A=` stands among OPEN
    ((" U=",), r"U={user} P="),
    (("ing message", "n message", "d spam"), r"(?:message|spam) \S+ for {user}:[0-9]+"),
    # shadow, pam, keyrings
    (
        ("' to group", "' from group", "shadow group"),
        r"(?:add|added|remove|removed|delete|deleted) '{user}' (?:to|from) (?:shadow )?group",
    ),
    (
        ("expiry for", "information for", "keyring for"),
        r"(?:password expiry|expiry information|login keyring|keyring) for {user}",
    ),
    # directories; what stands below groups names no person
    (
        (),
        _LDAP + r"""=(?:[^,()"'=;<>+*/\\]|\\.)+,(?i:ou|cn)="""
        r"(?i:groups?|roles?|computers|services)",
    ),
    (
        ("cn=", "CN=", "sn=", "SN=", "gn=", "givenName=", "displayName=", "AccountName=", "gecos=",
         "emberUid="),
        _LDAP + r"={entry}(?:[,)\"'/]|$)",
    ),
    ((" for krbtgt",), r"{user}@[A-Z0-9.-]+ for krbtgt"),
    # tunnels
    (("main[", "worker[", "proxy[", "sec-mod["), r"(?:main|worker|proxy|sec-mod)\[{user}\]:"),
    (("name = ",), r"Response id=0x[0-9a-f]+ <{token}>, name = \"{quoted}\""),
    (("eer ",), r"(?i:peer) {user} (?:authorized|authenticated|is not authorized|refused)"),
    (("authentication of '",), r"authentication of '{user}' "),
    # machines of people
    (("DHCP",), _MAC + r" \({host}\)(?: via)?"),
    ((), r"DHCP[A-Z]+\([^\s()]+\) {ip} " + _MAC + r" {host}"),
    # proxies, file servers, applications
    (("HIER_", "DIRECT/", "PARENT"), r"{word} " + _PARENTS + r"[A-Z_]*/"),
    (
        ("closed connection", "connect to service"),
        r"{user} \((?:ipv[46]:)?{ip}(?::[0-9]+)?\) (?:closed connection|connect to service)",
    ),
    (("smbd_audit",), r"smbd_audit(?:\[[0-9]+\])?: {user}\|"),
    (("failed: ", "Failed: "), r"(?i:login (?:attempt )?failed): '?{user}'? \("),
    (("ogin:",), r"(?i:login):{user} from "),
    (("iam::",), r"iam::[0-9]*:user/{user}"),
    (
        ('UserName">', 'AccountName">', 'UserSid">'),
        r"Name=\"[A-Za-z]*(?:UserName|AccountName|UserSid)\">{user}<",
    ),
    (
        (" <email_",),
        r"(?i:from|to|cc|bcc|reply-to|sender|von|an|author|committer|[a-z]+-by)[:=] ?"
        r"{phrase} <{mail}>",
    ),
    ((" <email_",), r"{full} <{mail}>"),
    ((",ssh-connection",), r"(?:{user},ssh-connection)"),
    (("] name: ", ", name: "), r"uid: [0-9]+, name: {user},"),
    (("ARGV=",), r"ARGV={user}(?:\s|$)"),
    (("argv[2]",), r"argv\[2\]=\"{user}\""),
    (("onfigured from",), r"[Cc]onfigured from \S+ by {user} on "),
    (("LOCAL\\",), r"LOCAL\\{user}\)"),
    (
        ('"user":', '"actor":', '"principal":', '"author":', '"account":', '"customer":'),
        r"(?:user|actor|principal|author|account|customer)\"\s?:\s?\{[^{}]*"
        r"\"(?:name|login|user_?name)\"\s?:\s?\"{quoted}\"",
    ),
    (("[/ip_",), r"{user}\[/{peer}:[0-9]+\]"),
    (("!email_", "!~email_"), r"{user}!~?{mail}"),
    (("@ip_", "@[ip_"), r"{user}@\[?{peer}"),
    (("@localhost", "@pam", "@pve"), r"{user}@(?:localhost|pam|pve)(?:[^A-Za-z0-9.-]|$)"),
    (("AUTH PLAIN ", "AUTH LOGIN "), r"AUTH (?:PLAIN|LOGIN) {token}"),
    (("|ip_",), r"{peer}\|{user}\|(?:" + "|".join(_METHODS) + r")\|"),
    (
        tuple(f'"{method} ' for method in _METHODS),
        r"{peer} {user} \[[^\]]+\] \\?\"(?:" + "|".join(_METHODS) + ") ",
    ),
    (("] total ",), r"[0-9]+ {user} \[[0-9]{2}/[A-Z][a-z]{2}/[0-9:]{13} [+-][0-9]{4}\] total "),
)  # fmt: skip
# These begin with a character that is no part of a word.
_OPEN: Final = (
    # Without the blank, `A=a:` over and over costs twenty times as much as other text.
    ((" A=",), r" A=[A-Za-z0-9_]{1,40}:{user}"),
    (("/ip_",), r"(?:^|\s){user}/{peer}:[0-9]+"),
    (("User logged in",), r"\] {user} \S+ User logged in"),
    (
        ("] OK", "] FAIL", "] SUCCEEDED", "] Peer Connection", "] Inactivity timeout"),
        r"\[{user}\] (?:OK|FAIL|FAILED|SUCCEEDED|Peer Connection|Inactivity timeout)",
    ),
    (("' failed for",), r"' failed for {user} on /dev"),
    (
        tuple(f'"{method} ' for method in _METHODS),
        r"- {user} (?:\[[^\]]+\] )?\\?\"(?:" + "|".join(_METHODS) + ") ",
    ),
    (('" <',), r"\"{quoted}\" <(?:sips?:)?(?:{mail})>"),
    (("\\",), r",{account},"),
    # The domain of a user of Windows is written in capitals, and he mostly is not.
    (("\\",), r"[\s(\"',]" + _DOMAIN + r"\\{1,2}{login}(?:[\s,;:)\"']|$)"),
    (("]\\[", "]\\\\["), r"\[[A-Z0-9.-]*\]\\{1,2}\[{user}\]"),
    (("@",), r"@{local}:[a-z0-9-]+(?:\.[a-z0-9-]+)+"),
    (
        (" -u ", " --user ", " -u"),
        r"\s(?:-u ?|--user[ =]){user}:{token}",
    ),
    (
        (" -u ", " --user ", " -u"),
        r"\s(?:-u ?|--user(?:name)?[ =]){user} (?:-p ?|--password[ =]){token}",
    ),
    (
        (" --pass", " --token", " --secret", " --api"),
        r"\s--(?:pass(?:word|phrase)?|token|secret|api-?key) {token}",
    ),
    ((" --user", " --login"), r"\s--(?:user(?:name)?|login) {user}(?:\s|$)"),
    (("sudo -u ",), r"sudo -u {user}\s"),
    ((" -U ",), r"\s-U {user}(?:\s|$)"),
    # mumble
    (("(-1)>",), r"<[0-9]+:{user}\(-?[0-9]+\)>"),
)
BOUND: Final = tuple(shape for _, shape in (*_BOUND, *BOUND_ODD))
OPEN: Final = tuple(shape for _, shape in (*_OPEN, *OPEN_ODD))
TELLING: Final = sorted(
    {word for words, _ in (*_BOUND, *_OPEN, *BOUND_ODD, *OPEN_ODD) for word in words}
)

# What a digest of software looks like is no secret; nothing in it is replaced.
# Nor is the number of a request, by which its lines in several logs belong together.
DIGEST: Final = (
    r"(?:(?i:sha-?(?:1|224|256|384|512)|md5):"
    r"|(?i:commit|revision|head(?: is| was)?(?: now)?(?: at)?)[ :=])[0-9a-f]{32,}"
    # The head of an event of ArcSight or QRadar: its third word is the version of what sent it.
    r"|(?:CEF|LEEF): ?[0-9.]+\|[^|\s]*\|[^|]*\|[^|\s]*\|"
    r"|sha(?:256|384|512)-[A-Za-z0-9+/]{43,}={0,2}"
    r"|(?i:commits?|rev|tree|blob)/[0-9a-f]{40}"
    r"|(?i:(?:trace|span|request|correlation|parent)_?id|etag|commit|revision)"
    r"(?:\\?[\"']\s?:\s?\\?[\"']|[:=]\s?\"?)[0-9a-f]{16,64}"
)
# Eight of such groups would be an address else.
HARDWARE: Final = r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5,}"
# In a query these names are those of people: WordPress sends its user as `log`.
ASKED_NAME: Final = r"""(?:^|[?&])(?:log|name)=[^\s&;"'<>#]+"""

_PLACE: Final = re.compile(r"\{([a-z]+)\}")


def _proposing(shapes: tuple[str, ...]) -> str:
    return "|".join(_PLACE.sub(lambda m: f"(?:{PLACES[m[1]]})", shape) for shape in shapes)


def daemon_pattern(start: str) -> str:
    """Give all shapes as one pattern for Rust's engine, without groups.

    start   what tells where a word begins
    """
    return f"{_proposing(OPEN)}|{start}(?:{_proposing(BOUND)})"


@cache
def judged_shapes() -> tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]:
    """Give each shape as a pattern with a group for each place, and what the groups hold."""
    return tuple(
        (
            re.compile(_PLACE.sub(lambda m: f"({PLACES[m[1]]})", shape)),
            tuple(_PLACE.findall(shape)),
        )
        for shape in (*OPEN, *BOUND)
    )
