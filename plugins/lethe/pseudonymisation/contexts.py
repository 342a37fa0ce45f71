"""Where the names of people stand in free text, by the words beside them.

None of these places is sure: what stands there is a name only where it is no word that programs
write (`people.py`). They are looked for when all that is sure has its pseudonym already.
"""

from __future__ import annotations

import re
from typing import Final

_LETTER: Final = r"A-Za-z\u00c0-\u024f\u0370-\u052f"
_CAPITAL: Final = r"[A-Z\u00c0-\u00de\u0141\u0160\u017d\u0391-\u03a9\u0410-\u042f]"
WORD: Final = rf"[{_LETTER}0-9_][{_LETTER}0-9_.'’+-]*"
# Behind a first name with a capital its family's: `Jan van der Berg`.
_FAMILY: Final = (
    rf"(?: (?:(?:van|von|der|den|de|da|di|dos|del|bin|al|el|la|le|zu) )*{_CAPITAL}"
    rf"[{_LETTER}'’.-]*)*"
)
_DOMAIN: Final = r"(?:[A-Za-z0-9.-]+\\{1,2})?"
CANDIDATE: Final = f"{_DOMAIN}{WORD}{_FAMILY}"
_QUOTE: Final = r"""\\?["'`“”„«‘’]"""

_DONE: Final = (
    r"approved|assigned|reassigned|uploaded|created|deleted|removed|edited|modified|changed|opened"
    r"|closed|reopened|signed|submitted|requested|invited|placed|cancell?ed|reviewed|commented"
    r"|granted|revoked|locked|unlocked|booked|confirmed|rejected|shared|downloaded|ordered|reported"
    r"|resolved|updated|viewed|accessed|deployed|started|stopped|restarted|initiated|authori[sz]ed"
    r"|acknowledged|escalated|merged|pushed|committed|posted|sent|written|made|taken|claimed|picked"
    r"|completed|finished|printed|queued|owned|added|kicked|banned|muted|reset|renamed|moved|copied"
    r"|exported|imported|scheduled|overridden|paid|refunded|archived|restored|published|drafted"
    r"|forwarded|called|transferred|answered|dispatched|entered|logged|registered|enrolled"
    r"|suspended|disabled|enabled|impersonated|elevated|launched|aborted|checked|scanned|collected"
    r"|delivered|received|accepted|declined|denied|silenced|snoozed|muted|hired|filed|prepared"
    r"|verified|countersigned|dismissed|triaged|unblocked|blocked|issued|voided|rebooted|withdrawn"
)
_BY: Final = rf"(?:{_DONE}|[a-z]+ed|now)(?: (?:in|out|up|over|on|off|again|manually|remotely))? by "
_AS: Final = (
    r"(?:log(?:ged|in)?(?: ?(?:in|on))?|sign(?:ed|ing)?[ -]?(?:in|on)|auth(?:enticat(?:ed|ing|e))?"
    r"|connect(?:ed|ing)?|runn?(?:ing|s)?|executed|bind|bound|acting|impersonat(?:ed|ing)|identified|known|switched|session"
    r"|registered|executing|masquerading) as "
)
_FOR: Final = (
    r"(?:password|passwd|log[io]n|logout|session|account|quota|mailbox|maildir|inbox|tokens?"
    r"|roles?|permissions?|access|auth(?:entication|orization)?|profile|credentials?|lockout|otp"
    r"|[2m]fa|passcode|subscription|invitation|invite|consent|order|invoice|payment|refund|cart"
    r"|booking|reservation|appointment|prescription|badge|leave|voicemail|reminder|privileges?"
    r"|placed|created|issued|opened|closed|started|ended|expired|changed|reset|failed|denied"
    r"|granted|revoked|locked|unlocked|accepted|rejected|attempts?|sent|notifications?|keyring"
    r"|failures?|enabled|disabled|updated|renewed|requested|generated|prefs|preferences|calendar"
    r"|verified|confirmed|enrolled|required|attempt|challenge|mail|message|call|success|successful"
    r"|completed|succeeded|certificate|ticket|decoded|lookup|search|impersonation) for "
)
_OF: Final = (
    r"(?:log[io]n|logout|password|account|session|mailbox|inbox|profile|quota|behalf|owner(?:ship)?"
    r"|identity|impersonation|roles?|membership|permissions?|registration|authentication|access"
    r"|calendar|avatar|lockout|credentials?|tokens?|privileges?|subscription|enrolment|suspension"
    r"|deactivation|activation|directory|home|deletion) of "
)
_TO: Final = (
    r"(?:assigned|reassigned|granted|sent|delivered|issued|belongs|belonging|transferred|handed"
    r"|escalated|shared|switched|invitation|mail|message|reply|forwarded|access|notification|link"
    r"|delegated|given|lent|replied|talking|whispers?|reminder|passed|shipped|addressed|sms"
    r"|returned)(?: over)? to "
)
_FROM: Final = (
    r"(?:request|message|reply|revoked|withdrawn|comment|order|payment|whisper|donation|feedback"
    r"|complaint|letter|vote|tip|invitation|sms|voicemail) from "
)
_WITH: Final = r"(?:shared|chat|chatting|meeting|appointment|conversation) with "
_PERSONS: Final = (
    r"user(?:name)?|account|member|customer|patient|employee|owner|author|student|teacher|player"
    r"|operator|doctor|nurse|caller|callee|guest|driver|cashier|subscriber|nick(?:name)?|login|logon"
    r"|principal|identity|assignee|reporter|sender|recipient|actor|request[eo]r|approver|reviewer"
    r"|moderator|administrator|admin|technician|manager|contact|participant|attendee|visitor|holder"
    r"|editor|colleague|passenger|tenant|resident|creator|initiator|submitter|committer|maintainer"
    r"|supervisor|speaker|trainer|tutor|rider|buyer|seller|borrower|cardholder|beneficiary"
    r"|kunde|kundin|benutzer(?:in|s)?|nutzer(?:in|s)?|anwender(?:in|s)?|mitglied|patientin"
    r"|mitarbeiter(?:in|s)?|utilisat(?:eur|rice)|cliente|usuari[oa]|utente|gebruiker|compte"
    r"|bruker|användare|bruger|użytkownik|uživatel|employ[ée]e?"
)
_GREETED: Final = (
    r"(?:impersonat(?:ed|es|ing|e)|invited|kicked|banned|muted|promoted|demoted|notif(?:ied|ying|y)"
    r"|emailed|paged|paging|welcome(?: back)?|hello|hi|dear|goodbye|whois|authenticat(?:ed|ing)"
    r"|unlocking|deactivated|reactivated"
    r"|onboarded|offboarded|enrolled)"
)
_KEYS: Final = (
    r"(?:[a-z0-9]+[_.-])*(?:owner|author|assignee|reporter|actor|operator|request[eo]r|approver"
    r"|reviewer|sender|recipient|creator|editor|initiator|employee|patient|student|customer|member"
    r"|caller|callee|nick|handle|player|person|grantee|grantor|invitee|inviter|delegate|manager"
    r"|teacher|doctor|participant|subscriber|cashier|technician|submitter|committer|maintainer"
    r"|supervisor|driver|guest|who|by|buyer|seller|clerk|nurse|moderator|impersonator|as_user"
    r"|betreiber|kunde|bearbeiter|besitzer|auteur|autor|(?:run|sudo|login)_?as)"
    r"|[a-z]*(?:By|Owner|Author|Assignee|Actor|Creator|Operator|User|Requester|Approver|Reviewer)"
)
# Of these one is a name only where a first name is in it.
_LOOSE_KEYS: Final = r"name|(?:orig_)?to|from|sub|subject|contact|admin|cn|ctladdr|f|r|label|title"
_SIGN: Final = rf"(?:\s?=\s?|: ?|\\?[\"']\s?(?::|=>)\s?)(?:{_QUOTE}|<)?"
_DID: Final = (
    r" (?:(?:has|have|is|was|just|now|successfully) )*(?:(?:logged|signed|logging|signing|timed"
    r"|checked|clocked)[ -](?:in|out|on|off)|joined|joins|left (?:the|channel|room|game|chat)"
    r"|leaves|disconnected|authenticated|uploaded|downloaded|changed (?:his|her|their|the|own)"
    r"|requested|approved|rejected|cannot|tried to|attempted to|purchased|bought|subscribed"
    r"|unsubscribed|said|posted|commented|registered|wants to|is typing|voted|clicked"
    r"|opened ticket|placed (?:an )?order|accepted|declined|not in sudoers|is not in the sudoers)"
)

_NOUNS: Final = rf"(?:{_PERSONS})(?:: ?|\s|=)(?:{_QUOTE}|\()?"
BEFORE: Final = (
    rf"(?i:{_BY}|{_AS}|{_FOR}|{_OF}|{_TO}|{_FROM}|{_WITH}|on behalf of )"
    rf"(?i:(?:the )?(?:user|account|customer|member|admin|mr|mrs|ms|herr|frau|dr)\.? )?"
    rf"(?:{_QUOTE}|<)?"
    rf"|(?i:{_NOUNS}|{_GREETED},? )|(?:Mrs?|Ms|Herrn?|Frau|Monsieur|Madame|Señora?)\.? "
    rf"|(?i:by|for|as|id|of|user|account) {_QUOTE}"
    rf"|(?:{_KEYS}){_SIGN}"
)
# `notify @tmueller`, `lmartinez@laptop`.
_MACHINE: Final = r"@[A-Za-z][A-Za-z0-9-]*(?:[^A-Za-z0-9.@-]|$)"
LOOSE: Final = rf"(?:{_LOOSE_KEYS}){_SIGN}"
# `Exit (gunnar) from <…>`, `<gerda> hello`.
ALONE: Final = rf"[A-Z][a-z]+ \({WORD}\) from |(?:^|\] |: )<{WORD}> "
# What still stands before an @ in angle brackets: `<spam"er"@example.org>`.
MAILBOX: Final = r"<[^<>\s@:]*\"[^<>\s@]*@[A-Za-z0-9.-]+\.[A-Za-z][A-Za-z]+>"
# What was found already, and the rest of the name.
REST: Final = rf"user_[a-z2-7]{{16}}(?: {_CAPITAL}[{_LETTER}'’-]+)+"

SUBJECT: Final = rf"(?:^|[:\]\[(>\"'|] ?){WORD}(?i:{_DID})"
# `^` stands for the beginning of a text alone: lines have no others.
PLACES: Final = (
    rf"{SUBJECT}|{ALONE}|{MAILBOX}|[\s(]@{WORD}"
    rf"|(?-u:\b{{start-half}})(?:{REST}|{WORD}{_MACHINE}|(?:{BEFORE}|{LOOSE}){CANDIDATE})"
)

JUDGED_SUBJECT: Final = re.compile(rf"([:\]\[(>\"'| ]*)({WORD})((?i:{_DID}))\Z")
JUDGED_ALONE: Final = re.compile(rf"([A-Z][a-z]+ \(|(?:\] |: )?<)({WORD})(\) from |> )\Z")
JUDGED_BESIDE_AT: Final = re.compile(rf"([\s(]@)({WORD})()\Z|()({WORD})({_MACHINE})\Z")
JUDGED_REST: Final = re.compile(r"(user_[a-z2-7]{16} )(.*)()\Z", re.DOTALL)
JUDGED_BEFORE: Final = re.compile(rf"({BEFORE})({CANDIDATE})()\Z")
JUDGED_LOOSE: Final = re.compile(rf"({LOOSE})({CANDIDATE})()\Z")
