"""Shapes of few programs and of other languages, beside those of the usual daemons.

They read as those of `daemons.py`, where the places are described.
"""

from __future__ import annotations

from typing import Final

# Endings of cases stand behind the stem; the first letter may be a capital.
_STEMS: Final = (
    "żytkownik", "ользовател", "ористувач", "отребител", "ullanıcı", "ユーザ", "用户", "用戶",
    "使用者", "사용자", "tilizador", "suário", "živatel", "oužívateľ", "elhasználó", "ρήστη",
    "nvändar", "äyttäj", "ediener", "itarbeiter", "assierer", "achbearbeiter", "pérateur",
    "perador",
)  # fmt: skip
_USER_WORD: Final = (
    r"(?i:użytkownik(?:a|owi|iem)?|пользовател(?:ь|я|ю|ем)|користувач(?:а|у|ем)?"
    r"|потребител(?:ят|я)?|kullanıcı(?:sı|nın|ya|dan|yı)?(?: adı)?|ユーザー?(?:名|id)?|用户名?|用戶"
    r"|使用者(?:名稱)?|사용자|utilizador|usuário|uživatel(?:e|i|em|ské jméno)?|používateľ(?:a|ovi)?"
    r"|felhasználó|χρήστης?|användare(?:n|ns)?|käyttäjä(?:n|lle|tunnus)?|bediener(?:in|s)?"
    r"|mitarbeiter(?:in|s)?|kassierer(?:in|s)?|sachbearbeiter(?:in|s)?|opérateur|operadora?)"
)
_METHODS: Final = ("GET", "POST", "HEAD", "PUT", "DELETE", "CONNECT")
BOUND_ODD: Final = (
    (
        _STEMS,
        _USER_WORD + r"(?: |\s?[:=：＝]\s?)?[\"'«»„“”‘’「『]{cited}[\"'»«”“’」』]",
    ),
    (_STEMS, _USER_WORD + r"\s?[=：＝]\s?{user}(?:[\s,;」)]|$)"),
    (_STEMS, _USER_WORD + r"(?: |: ){clear}"),
    # databases: MariaDB's audit
    (
        (",QUERY,", "CONNECT,", ",READ,", ",WRITE,"),
        r"[0-9]{2}:[0-9]{2}:[0-9]{2},[^,\s]*,{user},[^,\s]*,[0-9]+,[0-9]+,"
        r"(?:QUERY|(?:FAILED_|DIS)?CONNECT|READ|WRITE),",
    ),
    # CouchDB, squidGuard
    (
        (*(f" {method} /" for method in _METHODS), " REDIRECT"),
        r"{peer}(?:/\S+)? {lower} (?:" + "|".join(_METHODS) + r") (?:/|REDIRECT)",
    ),
    # games
    (("joins game", "leaves game"), r"{user} \[{peer}\] (?:joins|leaves) game"),
    (("List of players",), r"List of players: {phrase}"),
    # code review
    (("[SSH ",), r"SSH [^\[\]]*\({user}\)\] {user} a/[0-9]+"),
    # brokers of messages
    ((", u'",), r"k[0-9]+, u'{user}'\)"),
    # libraries: a login by SIP2
    (("|CO",), r"93[0-9]{2}CN{field}\|CO{secret}(?:\||$)"),
)  # fmt: skip
OPEN_ODD: Final = (
    # games: of Valve's engine, and of chats
    (("><STEAM_", "><[U:"), r"\"{quoted}<[0-9]+><{token}>"),
    (("@ip_",), r": {user} \(~?{user}@{peer}\)"),
    # PostgreSQL: `%u@%d`, and a level in whatever language
    (("@",), r"\] {user}@[A-Za-z0-9_-]+ [^\sa-z:]{3,14}:  "),
)
