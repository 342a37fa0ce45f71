"""Values that a name stands in front of: `user=`, `"token":"…"`, `DB_PASSWORD=`."""

from __future__ import annotations

from typing import Final

CONCEALED_KEYS: Final = (
    r"[A-Za-z0-9_]*(?:token|secret|passw(?:or)?d|session[_-]?id|sessionid|sessid|session[_-]?key"
    r"|api[_-]?key|apikey|access[_-]?key|auth[_-]?key|private[_-]?key|jwt|csrf|xsrf|nonce"
    r"|signature|credentials?)|sid|pwd|pass|sig|otp|sso|ticket|cookie|session|auth"
    r"|authorization|cftoken|cfid|gclid|fbclid|msclkid|dclid|yclid|ttclid|twclid|wbraid|gbraid|igshid"
    r"|_ga[a-z0-9_]*|_gid|_fb[pc]|_gcl_[a-z]+|__utm[a-z]|__hstc|hubspotutk|_hsenc|mc_eid|idfa|gaid|imei"
    r"|(?:device|visitor|browser|tracking)[_-]?id|remember[_-]?me|\.?aspxauth|passphrase"
)
_NAMED: Final = (
    r"(?:user|login|account|customer|client|member|author|owner|nick|screen|full|first|last|given"
    r"|family|sur|display|contact|usr|targetuser|subjectuser|principal)[_.-]?(?:name|login)"
)
PERSON_KEYS: Final = (
    rf"(?:[a-z0-9]+[_.-])*(?:{_NAMED}|user)|[a-z0-9]*user[_-]?name|login"
    r"|logname|ruser|uname|[sd]user|(?:src|dst|source|destination|target|auth|xauth|unauth)_?user"
    r"|samaccountname|principal|identity|upn|usrname|nick|assignee|reporter"
    r"|acct|account|usr|uid|u|(?:[a-z0-9]+[_.-])*e?[_-]?mail(?:[_-]?addr(?:ess)?)?|mailto"
    r"|(?:[a-z0-9]+[_.-])*user[_-]?id"
)
STRONG_KEYS: Final = (
    r"[A-Za-z0-9_]*(?:token|secret|passw(?:or)?d|session[_-]?id|sessionid|sessid|api[_-]?key"
    r"|apikey|access[_-]?key|auth[_-]?key)|user(?:name)?|e?-?mail|jwt|pwd|pass|login|account|uid"
)
# Where only quotes tell that a name is one.
_QUOTED_KEYS: Final = (
    rf"{STRONG_KEYS}|(?:[a-z0-9]+[_.-])*[a-z0-9]*user(?:[_-]?(?:name|id|login))?"
    r"|(?:[a-z0-9]+[_.-])*(?:(?:full|first|last|display|given|family|sur|nick|screen|customer"
    r"|author|owner|account|principal|member|contact|recipient|sender|login)[_-]?name|mail)"
    r"|[a-z0-9_.-]*email|upn|principal|sid|cookie|csrf|session|sessid"
)
PLAIN_VALUE: Final = (
    r"""(?:"[^"]+"|'[^'\s]+'|<[^<>\s]+>|\\"[^"\\\s]+\\"|(?:[A-Za-z]'[A-Za-z]|[^\s&;,"'<>(){}|#?\\])+"""
    # A domain of Windows in front of the name.
    r"""(?:\\{1,2}[A-Za-z0-9][^\s&;,"'<>(){}|#?\\]*)?)"""
)
NESTED_VALUE: Final = (
    r"""(?:[^\s&;,"'<>(){}|#?%]|%(?:25)*(?:[013-9A-Fa-f][0-9A-Fa-f]|2[1347-9A-Fa-f]))+"""
)
JSON_SIGN: Final = r"%(?:25)*22(?::|%(?:25)*3[Aa])(?:%(?:25)*20)?%(?:25)*22"
# Between name and value, each in quotes; Ruby and PHP write an arrow.
QUOTED_SIGN: Final = r"""\\*["']\s?(?::|=>)\s?\\*["']"""
_QUOTED_VALUE: Final = (
    r"""(?:\\*["']\s?(?::|=>)\s?(?:"(?:[^"\\]|\\u[0-9A-Fa-f]{4}|\\/)+|'[^'\\]+|\\+"[^"\\]+))"""
)
KEYED: Final = (
    rf"(?i:{CONCEALED_KEYS}|{PERSON_KEYS})(?:={PLAIN_VALUE}|%(?:25)*3[Dd]{NESTED_VALUE})"
    rf"|(?i:{_QUOTED_KEYS}){_QUOTED_VALUE}|(?i:{STRONG_KEYS})(?::\s?|\s=\s){PLAIN_VALUE}"
    # A piece of JSON inside a URL.
    rf"|(?i:{STRONG_KEYS}){JSON_SIGN}(?:[^\s&%\"']|%(?:25)*(?:2[013-9A-Fa-f]|[013-9A-Fa-f][0-9A-Fa-f]))+"
)
