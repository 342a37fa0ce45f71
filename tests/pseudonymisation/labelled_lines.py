"""Lines of every format, made of pieces that are known to be personal or not.

In a template «kind» stands for a personal value, ‹t› for one that only looks like it, ‹u› for such
a one inside a URL, ‹w› for a word.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from tests.pseudonymisation import labelled_values as values

UA = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"
TIME = "22/Nov/2026:10:00:00 +0000"
FRONT = f"«v4» - - [{TIME}]"
BACK = f'200 5 "-" "{UA}"'
URLS = (
    "/a/‹u›/b?lang=fr", "/search?q=«once»&page=2", "/search?q=«half»", "/l?next=%2Fx%3Fm%3D«twice»",
    "/u/«email»/edit", "/u/«once»", "/~«name»/index.html", "/whois/«v4»", "/whois/«v6»",
    "/proxy?to=http%3A%2F%2F«encoded_v6»%2Fx", "/ip/«encoded_v4»/x", "/x;jsessionid=«token»?a=1",
    "/reset/«token»", "/api?access_token=«token»", "/cb?code=1&id_token=«jwt»", "/s?sid=«token»",
    "/pay?card=«url_card»&x=‹u›", "/pay?iban=«url_iban»", "/c?phone=«url_phone»&t=‹u›",
    "/v1/x?key=«key»", "/login?user=«name»&password=«token»", "/static/‹u›", "/‹u›?v=‹u›",
    "/order/‹u›/items", "http://«name»:«token»@proxy.example/‹w›", "http://«v4»:8080/‹w›",
    "http://[«v6»]:8443/‹w›", "/x?email=«email»", "/x?ip=«v4»&v=‹u›", "/a?redirect=https://«v4»/‹u›",
    "/track?u=«email»&img=‹u›", "/q?a=‹u›&b=‹u›&c=‹u›", "/doc#‹w›", "/x?msg=%22«once»%22",
    "/users/«name3»/x", "/home/«name3»", "/members/«name3»?tab=‹u›", "/x?q=sess-«hex64»",
    "/x?q=«quoted_once»", "/p?tel=«local_phone»", "/p?first_name=«name»&last_name=«name»",
    "/v?ua=‹u›", "/c?fbclid=«token»&utm_source=‹w›", "/auth/‹w›/x?state=«token»&code=«token»",
    "/files/‹u›/‹u›", "/x?next=/home/index.html", "/users/settings", "/profile/edit",
    "/p0.6372614827461093", "/map/49.6116/6.1319/12", "/x?v=Version%2010.0.0.1&w=‹u›",
    "/a?data=%7B%22mail%22%3A%22«once»%22%2C%22v%22%3A1%7D", "/x?to=mailto%3A«once»",
)  # fmt: skip
TEXTS = (
    "sshd[811]: Accepted password for «name» from «v4» port 4242 ssh2",
    "sshd[811]: Failed password for invalid user «name» from «v6» port 51022 ssh2",
    "sshd[811]: Invalid user «name» from «v4» port 40022",
    "sshd[811]: Connection closed by authenticating user «name» «v4» port 22 [preauth]",
    "sshd[811]: Disconnected from user «name» «v4» port 3333",
    "sshd[811]: pam_unix(sshd:session): session opened for user «name»(uid=1001) by (uid=0)",
    "sshd[811]: Received disconnect from «v4» port 41122:11: Bye Bye [preauth]",
    "sshd[811]: error: maximum authentication attempts exceeded for «name» from «v4» port 2 ssh2",
    "sshd[811]: Connection from «v4» port 41122 on «v4» port 22 rdomain \"\"",
    "su: pam_unix(su:auth): authentication failure; logname=«name» uid=1000 euid=0 ruser=«name»",
    "sudo:   «name» : TTY=pts/0 ; PWD=/home/«name» ; USER=root ; COMMAND=/usr/bin/‹w›",
    "CRON[123]: («name») CMD (run-parts /etc/cron.hourly)",
    "systemd-logind[700]: New session 12 of user «name».",
    "useradd[99]: new user: name=«name», UID=1001, GID=1001, home=/home/«name», shell=/bin/bash",
    "postfix/smtpd[77]: connect from unknown[«v4»]",
    "postfix/smtpd[77]: 4F1A2B: client=mx[«v4»], sasl_method=PLAIN, sasl_username=«email»",
    "postfix/qmgr[9]: 4F1A2B3C4D: from=<«email»>, size=‹t›, nrcpt=1 (queue active)",
    "postfix/smtp[9]: 4F1A2B3C4D: to=<«email»>, relay=mx.‹w›.com[«v4»]:25, delay=1.2, status=sent",
    "dovecot: imap-login: Login: user=<«email»>, rip=«v4», lip=«v4», session=<«token»>",
    "dovecot: imap(«email»)<991><«token»>: Logged out in=43 out=1234",
    "dovecot: auth: passwd-file(«email»,«v4»): unknown user",
    "postgres[99]: FATAL:  password authentication failed for user \"«name»\"",
    "postgres[99]: connection authorized: user=«name» database=shop application_name=psql",
    "mysqld: Access denied for user '«name»'@'«v4»' (using password: YES)",
    "proftpd[3]: «v4» («v4»[«v4»]) - USER «name»: Login successful.",
    "kernel: [UFW BLOCK] IN=eth0 OUT= SRC=«v4» DST=«v4» LEN=40 TTL=242 ID=‹t› PROTO=TCP SPT=51514",
    "kernel: eth0: link up, ‹t›, took ‹t›",
    "named[4]: client @0x7f «v4»#54321 (www.‹w›.com): query: www.‹w›.com IN A + («v4»)",
    "openvpn[5]: «v4»:1194 TLS: Initial packet from [AF_INET]«v4»:1194, sid=12345678",
    "fail2ban.actions [1]: NOTICE [sshd] Ban «v4»",
    "dhcpd: DHCPACK on «v4» to 00:1a:2b:3c:4d:5e via eth0",
    "app[1]: java.lang.IllegalStateException: no account for «email» at ‹t›",
    "app[1]: Caused by: javax.mail.SendFailedException: Invalid Addresses: «foreign_email»",
    "app[1]: ‹t› and ‹t› took ‹t›, then ‹t›",
    "app[1]: upgraded package to ‹t›; see ‹t› and ‹t›",
    "app[1]: order ‹t› of «email» paid with «card», ref ‹t›",
    "app[1]: refund to «iban» for «name2» done at ‹t›",
    "app[1]: call «phone» before ‹t›",
    "app[1]: Authorization: Bearer «jwt» refused at ‹t›",
    "app[1]: Cookie: PHPSESSID=«token»; theme=dark; token=«token»",
    'app[1]: {"level":"warn","user":"«name»","email":"«email»","ip":"«v4»","v":"‹t›"}',
    "app[1]: peer=«mapped» via «zoned» and [«v6»]:443 ok",
    "app[1]: cannot open /home/«name»/.ssh/id and C:\\Users\\«name»\\x.dat",
    "app[1]: git clone https://«name»:«token»@git.example.com/r.git",
    "app[1]: X-Forwarded-For: «v4», «v6», «v4»",
    "app[1]: retry ‹t› with api_key=«token» secret=«token»",
    "app[1]: mail from \"Some Body\" <«email»> to «email», «email»; attached ‹t›",
    "app[1]: user «email» logged in from «v6»",
    "app[1]: GET /x?mail=«once»&t=‹u› from «v4»",
    "sshd[811]: User «name» from «v4» not allowed because not listed in AllowUsers",
    "sshd[811]: Postponed publickey for «name» from «v4» port 22 ssh2 [preauth]",
    "sshd[811]: Accepted keyboard-interactive/pam for «name» from «v6» port 22 ssh2",
    "sshd[811]: Failed none for invalid user «name» from «v4» port 9 ssh2",
    "sshd[811]: input_userauth_request: invalid user «name» [preauth]",
    "sshd[811]: Disconnecting authenticating user «name» «v4» port 22: Too many failures [preauth]",
    "sshd[811]: Starting session: shell on pts/0 for «name» from «v4» port 2201 id 0",
    "sshd[811]: Close session: user «name» from «v4» port 2201 id 0",
    "sshd[811]: Authentication refused: bad ownership or modes for directory /home/«name»/.ssh",
    "sshd[811]: Disconnected from invalid user «name» «v4» port 2200 [preauth]",
    "sudo: pam_unix(sudo:session): session opened for user root(uid=0) by «name»(uid=1000)",
    "sudo:  «name» : user NOT in sudoers ; TTY=pts/1 ; PWD=/home/«name» ; USER=root",
    "su[5]: (to root) «name» on pts/0",
    "passwd[7]: pam_unix(passwd:chauthtok): password changed for «name»",
    "vsftpd[2]: [«name»] OK LOGIN: Client \"«v4»\"",
    "radiusd[2]: Login OK: [«name»] (from client gw port 0)",
    "exim[2]: plain authenticator failed for (x) [«v4»]: 535 Incorrect data (set_id=«email»)",
    "dovecot: pop3-login: Aborted login (auth failed, 1 attempts): user=<«name»>, rip=«v4»",
    "apache2[1]: [client «v4»:5555] AH01617: user «name»: authentication failure for \"/x\"",
    "apache2[1]: [client «v4»:5555] AH01618: user «name» not found: /private",
    "mysqld: Aborted connection 12 to db: 'shop' user: '«name»' host: '«v4»' (Got timeout)",
    "smbd[3]: Auth: [SMB2,(null)] user [CORP]\\[«name»] at status [NT_STATUS_WRONG_PASSWORD]",
    "polkitd[4]: session of unix-user:«name» registered",
    "app[1]: uid=«name3» account «name3» pwd: «token» at ‹t›",
    "app[1]: login failed for «email» (attempt ‹t›)",
    "app[1]: session «token» of user_id=«name3» ended, ‹t›",
    "app[1]: Set-Cookie: _ga=GA1.2.«count9».«count9»; _fbp=fb.1.«count9».«count9»; path=/",
    "app[1]: X-Api-Key: «token» from «v4»:443; ‹t›",
    "app[1]: pushed to device_id=«token» gclid=«token» ‹t›",
    "app[1]: tel=«local_phone» mobile: «phone», ref ‹t›",
    "login[1]: FAILED LOGIN (1) on '/dev/tty1' FOR '«name»', Authentication failure",
    "login[1]: LOGIN ON tty1 BY «name»",
    "crontab[1]: («name») LIST («name»)",
    "tomcat[3]: WARN LoginController - Bad credentials for «name» from /«v4»",
    "dc app: Logon failure for CORP\\«name» workstation WS01",
    "dc security: Account Name: «name» Account Domain: CORP Source Network Address: «v4»",
    "app[1]: password for «name» changed at ‹t›; userName: '«name»'",
    "slapd[1]: conn=1 op=0 BIND dn=\"uid=«name»,ou=people,dc=x\" method=128",
    "app[1]: GET /q?d=%7B%22user%22:%22«name»%22,%22ip%22:%22«v4»%22%7D ‹t›",
    "app[1]: host-«dashed».isp.example is «v4»; ‹t›",
)  # fmt: skip
# Nobody is in these.
STAYS = (
    "app[1]: user agent Mozilla/5.0 is unknown, user not found, user name missing",
    "app[1]: for user in the list of users: user interface, account settings, users: 12",
    "app[1]: upgraded from 1.2.3.4 to 1.2.3.5.6 at 10:00:18, build 10.0.19041.1, OID 1.3.6.1.4.1",
    "app[1]: order 20241122000017 of 2024-11-22T10:00:19.123Z took 12:34:56, ratio 1:2:3",
    "app[1]: std::vector<int> at Foo::Bar::baz() raised Net::HTTPError at Module::Class",
    "app[1]: nginx/1.2.3.4 behind Chrome/112.0.5.49 on Windows 10.0.19.1, openssl 1.1.1.1",
    "app[1]: version=4.3.2.1, Version: 8.8.8.8, release 10.2.3.4, section 1.2.3.4 of the law",
    "app[1]: mac 00:1a:2b:3c:4d:5e, mask 0xCB007105, size 1024x768, 3.14159, 12,345.67 EUR",
    "app[1]: lodash@4.17.21 and actions/checkout@v4 and user@1000.service started, logo@2x.png",
    "app[1]: password reset requested, session closed, token expired, pass: ok, auth: none",
    "app[1]: listening on 0:22 and :: and port 8080; load 0.12, 0.34, 0.56; temp 21.5 C",
    "app[1]: commit da39a3ee5e6b4b0d3255bfef95601890afd80709.patch, main.8a7b9c0d1e2f3a4b.css",
    "app[1]: 4111111111111112 is no card and LU290019400644750000 no account, 300.1.2.3 no address",
    "kernel: [ 12.345678] usb 1-1.2: new high-speed USB device number 4 using xhci_hcd",
    "systemd[1]: Started Session 12 of user processes; Reached target Multi-User System.",
    "app[1]: ISBN 978-3-16-148410-0, EAN 4006381333931, invoice 2026-000123, part AB-1234-56",
    "app[1]: Firefox/115.0.3.1 Edg/120.0.2210.91 Safari/605.1.15 OPR/106.0.0.0 AppleWebKit/537.36",
    "app[1]: GET /api/v2/items/12345678/versions/3.1.4.1 in 12 ms, php/8.2.1.4, kernel 5.4.0.42",
)
NGINX_ERROR = (
    '2026/11/22 10:00:00 [error] 31#31: *17 open() "/var/www/‹u›" failed (2: No such file or'
    ' directory), client: «v4», server: www.example.com, request: "GET /‹u›?m=«once» HTTP/1.1",'
    ' host: "www.example.com", referrer: "https://x.example/?q=«email»"'
)
TEMPLATES: dict[str, tuple[str, ...]] = {
    "combined": (
        *(f'{FRONT} "GET {url} HTTP/1.1" {BACK}' for url in URLS),
        *(f'{FRONT} "GET /x HTTP/1.1" 200 5 "https://x.example{url}" "{UA}"' for url in URLS[:24]),
        *(
            f'{client} - - [{TIME}] "GET /‹u› HTTP/1.1" {BACK}'
            for client in ("«v6»", "«mapped»", "«zoned»", "[«v6»]:443", "«v4»:8080",
                           "«v4», «v4»", "«v4»,«v6», «v4»", "www.example.com:443 «v4»")
        ),
        f'«v4» - «name» [{TIME}] "POST /‹u› HTTP/2.0" {BACK}',
        f'«v4» - «email» [{TIME}] "POST /‹u› HTTP/2.0" {BACK}',
        f'{FRONT} "GET /‹u› HTTP/1.1" {BACK} "«v4», «v6»"',
        f'{FRONT} "GET /x HTTP/1.1" 200 5 "-" "Bot/1.0 (+mailto:«email»)"',
    ),
    "common": tuple(f'{FRONT} "GET {url} HTTP/1.1" 200 5' for url in URLS),
    "syslog": (*(f"Nov 22 10:00:01 gate {text}" for text in TEXTS), NGINX_ERROR,
               *(f"2026-11-22T10:00:01.003456+00:00 gate {text}" for text in TEXTS[:20]),
               *(f"Nov 22 10:00:01 gate {text}" for text in STAYS)),
    "haproxy": tuple(
        f"Nov 22 10:00:01 lb haproxy[14389]: «v4»:33317 [22/Nov/2026:10:00:01.655]"
        f' http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 "GET {url} HTTP/1.1"'
        for url in URLS
    ),
    "w3c": (
        "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query cs-username c-ip sc-status",
        "2026-11-22 10:00:00 10.0.0.5 GET /‹u› mail=«once»&page=2 CORP\\«name» «v4» 200",
        "2026-11-22 10:00:00 10.0.0.5 GET /u/«email» v=‹u› - «v6» 200",
        "#Fields: date time c-ip cs-username cs-method cs-uri-stem sc-status X-Forwarded-For",
        "2026-11-22 10:00:02 «v4» «name» GET /‹u› 200 «v4»,+«v4»",
        "2026-11-22 10:00:02 «v6» «email» GET /whois/«v4» 200 -",
    ),
}  # fmt: skip
JSON = {
    "caddy": '{"ts":1795341600.5,"request":{"remote_ip":"«v4»","client_ip":"«v6»","method":"GET",'
    '"host":"x.example","uri":"URL","headers":{"User-Agent":["curl/8"],"Referer":'
    '["https://x.example/?q=«once»"],"X-Forwarded-For":["«v4», «v6»"],"Cookie":["sid=«token»"]}},'
    '"user_id":"«name»","status":200,"size":5,"duration":0.01,"msg":"handled ‹t›"}',
    "traefik": '{"ClientAddr":"«v4»:5555","ClientHost":"«v4»","ClientUsername":"«name»",'
    '"RequestMethod":"GET","RequestPath":"URL","DownstreamStatus":200,"time":"2026-11-22T10:00:00Z",'
    '"msg":"«email» at ‹t›"}',
    "cloudflare": '{"ClientIP":"«v6»","ClientRequestURI":"URL","EdgeResponseStatus":200,'
    '"ClientRequestReferer":"https://x.example/«email»","EdgeStartTimestamp":"2026-11-22T10:00:00Z"}',
    "gcp": '{"httpRequest":{"remoteIp":"«v4»","requestUrl":"https://x.exampleURL","status":200,'
    '"serverIp":"«v4»"},"timestamp":"2026-11-22T10:00:00.123Z","textPayload":"«email» ‹t›"}',
    "flat": '{"time":"2026-11-22T10:00:00Z","remote_addr":"«v4»","remote_user":"«email»","request":'
    '"GET URL HTTP/1.1","status":200,"http_x_forwarded_for":"«v4»","http_referer":"-"}',
}
PIECE = re.compile("«([a-z0-9_]+)»|‹([tuw])›")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A line, its personal values by kind, and the values that must stay."""

    text: str
    personal: tuple[tuple[str, str], ...]
    traps: tuple[str, ...]


def fill(template: str, choose: random.Random) -> Labelled:
    personal, traps = [], [text for text in STAYS if template.endswith(text)]

    def put(match: re.Match[str]) -> str:
        kind, other = match.groups()
        if kind == "name2":
            return values.name(choose)
        if kind:
            value = getattr(values, kind)(choose)
            personal.append((kind, value))
            return str(value)
        if other == "w":
            return values.word(choose)
        value = choose.choice(values.URL_TRAPS if other == "u" else values.TRAPS)(choose)
        traps.append(value)
        return value

    return Labelled(PIECE.sub(put, template), tuple(personal), tuple(traps))


def make_lines(seed: int, rounds: int) -> dict[str, list[Labelled]]:
    """Lines by format (and JSON by its kind), each template so many times."""
    choose = random.Random(seed)  # noqa: S311
    every = {name: list(templates) for name, templates in TEMPLATES.items()}
    for kind, template in JSON.items():
        plain = [url for url in URLS if not url.startswith("http")]
        every[f"json-{kind}"] = [template.replace("URL", url) for url in plain]
    return {
        name: [fill(each, choose) for _ in range(rounds) for each in templates]
        for name, templates in every.items()
    }
