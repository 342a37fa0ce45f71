"""The phrases that end with the name of a user, as daemons and help desks write them."""

from __future__ import annotations

from typing import Final

_LETTER: Final = r"[A-Za-z\u{C0}-\u{24F}]"
# `o'brien`: an apostrophe between two letters is part of a name.
NAME: Final = rf"""(?:{_LETTER}'{_LETTER}|[^\s:;,()\[\]'"<>=@/&]){{1,64}}"""
_TRIED: Final = (
    r"(?: (?:attempts?|exceeded|failed|failure|fails|success|successful|succeeded|rejected|denied"
    r"|refused|error|accepted)){1,2}"
)
_OPENED: Final = r"""['"\\(<\[»„«“]{0,2}"""
PHRASE: Final = (
    r"(?i:(?:invalid|illegal|authenticating|unknown|bad|authorized|valid|for|of|from|by) user "
    r"|(?:accepted|failed|postponed|partial) [a-z0-9/_-]+ for "
    r"(?:invalid user |illegal user |user )?"
    r"|session (?:opened|closed) for user |logged (?:in|on|out|off) (?:as|user|by) "
    rf"|(?:(?:attempts|authentication|auth|login|logon|sign-?in|password){_TRIED}"
    r"|pts/[0-9]+|successful (?:login|logon|authentication)|login|credentials|password"
    r"|subsystem '[a-z]+')"
    r""" for (?:(?:invalid |illegal )?(?:user(?:name)? |account ))?['"]?"""
    r"|(?:veranlasst|beantragt|genehmigt|freigegeben|angefordert) (?:von|durch) "
    r"|(?:requested|approved|submitted|pushed|merged|uploaded|reviewed|committed|invited) by "
    r"|(?:demandée?|approuvée?|validée?|traitée?)s? par |client (?:dis)?connected '"
    r"|password changed for |user: name=|login (?:ok|incorrect)(?: \([^()]{0,60}\))?: \["
    r"|sudo(?:\[[0-9]+\])?:\s{1,12}|cron(?:tab|d)?(?:\[[0-9]+\])?: \("
    r"|failed login \([0-9]+\) on '[^'\s]{1,40}' for '|login on \S{1,40} by "
    r"|(?:(?:account|user|caller user|target user) name|(?:logon|target) account):\s{1,8}"
    r"|(?:successful|failed) su for "
    rf"|user \[[^\[\]]{{0,64}}\]\\{{1,2}}\[|user[ :=]{{1,3}}{_OPENED}|users: "
    r"|username(?:\s?[:=]\s?['\"]?|\s['\"])"
    r"|(?:für|von|durch|beim?) (?:den |dem |der |die )?(?:benutzer|nutzer|anwender)(?:in)? "
    rf"{_OPENED}|(?:pour|par|de) l['’]utilisat(?:eur|rice) {_OPENED}"
    r"|(?:para|por) el usuario |voor gebruiker "
    r"|account user |(?:account|member|customer|patient|employee|(?:be)?nutzer(?:in|s)?"
    rf"|anwender(?:in|s)?|utilisat(?:eur|rice)|usuario|utente|gebruiker|kunde|kundin) {_OPENED})"
)
# Between quotes a name may hold blanks.
QUOTED: Final = (
    r"(?i:user(?:[ _.-]?name)?|login|logon|benutzer(?:name)?|benutzerin|nutzer|anwender"
    r"|utilisat(?:eur|rice)|usuario|utente|gebruiker|on behalf of)"
    r"""[ :=]{1,3}(?:"[^"<>=\r\n]+"|'[^'<>=\r\n]+'|\\"[^"\\<>=\r\n]+\\")"""
)
# `on behalf of Mary-Jane O'Connor`, `on behalf of CORP\backup`.
BEHALF: Final = (
    r"on behalf of (?:[A-Za-z0-9.-]+\\{1,2}[A-Za-z0-9._$-]+"
    r"|[A-Z\u{C0}-\u{DE}][A-Za-z\u{C0}-\u{24F}'’.-]*"
    r"(?: [A-Z\u{C0}-\u{DE}][A-Za-z\u{C0}-\u{24F}'’-]*)+)"
)
# A rejected name may hold spaces; it ends where sshd goes on.
SPACED_NAME: Final = (
    r"(?i:(?:failed|accepted|postponed) [a-z0-9/_-]+ for )?(?i:(?:invalid|illegal) user )"
    r"(?:\S* ){1,4}from "
)
BY_NAME: Final = r"by [^\s()]{1,64}\(uid="
SU: Final = r"\(to [^\s()]{1,64}\) [^\s()]{1,64} on"
CRONTAB: Final = r"\) (?:LIST|REPLACE|DELETE|BEGIN EDIT|END EDIT) \([^\s()]{1,64}\)"
