"""Heads are read out of mails as mail programs leave them, or it is said that they were not."""

from __future__ import annotations

import base64
import bz2
import gzip
import html
import io
import json
import lzma
import mailbox
import quopri
import textwrap
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from lethe.archive.head_lines import find_heads
from lethe.archive.heads import ToldHead
from lethe.archive.old_mails import read_mails
from lethe.policy.model.places import Mail, Recipient
from lethe.reporting.mail.message import Envelope, build_message

from tests.reporting.examples import KEPT

ROOT = "5ac0" * 8 + "0f1e" * 8
SIGNATURE = "Ab+/" * 21 + "Aw=="
LINE = (
    "lethe-archive-head 1 0197a1b2-0000-4000-8000-000000000001 88 120411 "
    f"{ROOT} 2026-05-31T23:31:04.123456+00:00 {SIGNATURE}"
)
(HEAD,) = find_heads(LINE)


def wrapped(width: int, mark: str = "", before: str = "") -> str:
    """Broken at spaces; what is longer than a line is cut."""
    return textwrap.fill(before + LINE, width, initial_indent=mark, subsequent_indent=mark)


def cut(width: int, mark: str = "", before: str = "") -> str:
    """Broken every so many letters, wherever that is."""
    text = before + LINE
    return "\n".join(mark + text[at : at + width] for at in range(0, len(text), width))


def mail(body: bytes, coding: str, kind: str = "text/plain; charset=utf-8") -> str:
    return (
        f"From: a@example.org\nSubject: Rapport\nContent-Type: {kind}\n"
        f"Content-Transfer-Encoding: {coding}\n\n{body.decode()}"
    )


def printable(text: str) -> str:
    return mail(quopri.encodestring(text.encode()), "quoted-printable")


def coded(text: str | bytes) -> str:
    data = text.encode() if isinstance(text, str) else text
    return mail(base64.encodebytes(data), "base64")


def attached(data: bytes) -> str:
    whole = MIMEMultipart()
    whole.attach(MIMEApplication(data, Name="mail.eml"))
    return whole.as_string()


def quoted(text: str, mark: str = "> ") -> str:
    return "".join(f"{mark}{line}\n" for line in text.splitlines())


def zipped(text: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mail.eml", text)
    return file.getvalue()


WIDTHS = (20, 25, 30, 36, 40, 60, 64, 65, 70, 72, 76, 78, 100)
FORMS: dict[str, str | bytes] = {
    "as it is": LINE,
    "in a sentence": f"Tête : « {LINE} ».",
    **{f"wrapped at {width}": wrapped(width) for width in WIDTHS},
    **{f"wrapped at {width}, quoted": wrapped(width, "> > ") for width in WIDTHS},
    **{f"wrapped at {width}, in bars": wrapped(width, "| ") for width in WIDTHS},
    **{f"wrapped at {width}, after a word": wrapped(width, "> ", "Head: ") for width in WIDTHS},
    **{f"cut at {width}": cut(width) for width in WIDTHS},
    **{f"cut at {width}, quoted": cut(width, "> ") for width in WIDTHS},
    **{f"cut at {width}, after a word": cut(width, "", "Head: ") for width in WIDTHS},
    **{f"printable, from {at}": printable("x" * at + " " + LINE) for at in range(30, 78)},
    "half printable": cut(70).replace("\n", "=\r\n"),
    "wrapped, then printable": printable(wrapped(72, "> ")),
    "printable in printable": printable(quopri.encodestring(f"Head: {LINE}".encode()).decode()),
    "base64": coded(LINE),
    "base64, forwarded": quoted(coded(LINE)),
    "base64, forwarded twice": quoted(quoted(coded(LINE), "| ")),
    "base64, CRLF": coded(LINE).replace("\n", "\r\n"),
    "base64 after a word": "Hello\n" + base64.encodebytes(LINE.encode()).decode(),
    "base64 in one line": json.dumps({"body": base64.b64encode(LINE.encode()).decode()}),
    "base64 for URLs": base64.urlsafe_b64encode(b"\xff\xfe\xff" * 9 + LINE.encode()),
    "base64 of UTF-16": coded(LINE.encode("utf-16")),
    "attached, base64 in base64": attached(coded(LINE).encode()),
    "attached, printable in base64": attached(printable("y" * 62 + " " + LINE).encode()),
    "attached, gzip": attached(gzip.compress(LINE.encode())),
    "gzip": gzip.compress(LINE.encode()),
    "gzip, twice": gzip.compress(b"nothing") + gzip.compress(LINE.encode()),
    "bzip2": bz2.compress(coded(LINE).encode()),
    "xz": lzma.compress(LINE.encode()),
    "zip": zipped(coded(LINE)),
    "UTF-16": LINE.encode("utf-16"),
    "UTF-16, without a mark": f"x\r\n{cut(72)}".replace("\n", "\r\n").encode("utf-16-le"),
    "UTF-16, the other way": LINE.encode("utf-16-be"),
    "UTF-16 behind ASCII": b"abc" + LINE.encode("utf-16-le"),
    "UTF-32": LINE.encode("utf-32"),
    "UTF-7": LINE.encode("utf-7"),
    "a byte order mark": b"\xef\xbb\xbf" + LINE.encode(),
    "CRLF": cut(76).replace("\n", "\r\n"),
    "CR": cut(76).replace("\n", "\r"),
    "no-break spaces": LINE.replace(" ", "\u00a0"),
    "no-break hyphens": LINE.replace("lethe-archive-head", "lethe\u2011archive\u2011head"),
    "dashes": printable(LINE.replace("lethe-archive-head", "lethe–archive–head")),
    "two spaces": LINE.replace(" ", "  "),
    "tabs": LINE.replace(" ", "\t"),
    "capitals in figures": LINE.replace(ROOT, ROOT.upper()),
    "soft hyphen": LINE[:26] + "\u00ad\n" + LINE[26:],
    "no width": LINE[:20] + "\u200b" + LINE[20:],
    "HTML": f"<p>{html.escape(LINE)}</p>",
    "HTML, nbsp": f"<p>{LINE.replace(' ', '&nbsp;')}</p>",
    "HTML, entities": LINE.replace("+", "&#43;").replace("/", "&#x2F;").replace("=", "&#61;"),
    "HTML, br": cut(70).replace("\n", "<br/>\n"),
    "HTML, wbr": f"{LINE[:100]}<wbr>{LINE[100:]}",
    "HTML, cells": "".join(f"<td style='x'>{part}</td>\n" for part in LINE.split()),
    "HTML, bold": LINE.replace("lethe", '<b class="x">lethe</b>', 1),
    "HTML, printable": printable(f"<div><code>{LINE.replace(' ', '&nbsp;')}</code></div>"),
    "JSON": json.dumps({"text": f"x\n{LINE}\ny"}),
    "JSON, escaped": json.dumps({"text": LINE}).replace(" ", "\\u0020").replace("/", "\\/"),
    "CSV": ";".join(LINE.split()),
    "URL": quote(LINE),
    "URL, form": quote_plus(LINE),
    "header": f"X-Lethe-Archive-Head: {wrapped(76, ' ').strip()}",
    "mailbox": f"From a@example.org Mon\n{coded('nothing ' * 20)}\n\nFrom b Tue\n{coded(LINE)}\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_a_head_is_read_in_whatever_form_a_mail_is_saved(form: str, tmp_path: Path) -> None:
    data = FORMS[form]
    (tmp_path / "odd.eml").write_bytes(data.encode() if isinstance(data, str) else data)
    found = read_mails(tmp_path)
    assert (found.heads, found.unread) == ((HEAD,), ())


CLOSED: dict[str, str | bytes] = {
    "cut off": f"Dear DPO\n{LINE[:90]}",
    "cut off early": f"Dear DPO\n{LINE[:31]}",
    "cut off, and more": f"{LINE[:150]}\n\n{LINE[:80]}\nRegards,\nJohn",
    "no end of the signature": LINE[:-20] + "\nRegards " * 30,
    "capitals": LINE.upper(),
    "another word in it": LINE.replace(ROOT, ROOT[:30] + " AB> " + ROOT[30:]),
    "numbers that run together": LINE.replace("88 120411", "88120411"),
    "too narrow to tell the numbers": cut(3),
    "cut off in base64": coded(LINE[:120]),
    "cut off in UTF-16": LINE[:120].encode("utf-16"),
    "encrypted": mail(base64.encodebytes(b"\1" * 300), "base64",
                      "application/pkcs7-mime; smime-type=enveloped-data"),
    "PGP": "-----BEGIN PGP MESSAGE-----\n\nabc\n-----END PGP MESSAGE-----\n",
    "Outlook": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512),
    "PDF": b"%PDF-1.7\n%nothing",
    "7z": b"7z\xbc\xaf\x27\x1c" + bytes(30),
    "half a gzip": gzip.compress(LINE.encode())[:100],
    "half a zip": zipped(LINE)[:100],
}  # fmt: skip


@pytest.mark.parametrize("form", CLOSED)
def test_what_cannot_be_read_is_named_with_its_file_also_beside_good_ones(
    form: str, tmp_path: Path
) -> None:
    data = CLOSED[form]
    (tmp_path / "good.txt").write_text(LINE)
    (tmp_path / "odd.eml").write_bytes(data.encode() if isinstance(data, str) else data)
    found = read_mails(tmp_path)
    assert found.heads == (HEAD,)
    assert found.unread
    assert all(each.startswith("odd.eml: ") for each in found.unread)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The line `lethe-archive-head 1 …` of a run belongs into every report mail.",
        "holds no head (lines that begin 'lethe-archive-head 1'), please",
        "X-Lethe-Archive-Head is a header.",
        '{"format":"lethe-archive-head/1","head_no":1}',
    ],
    ids=["nothing", "docs", "message", "header", "json"],
)
def test_talk_of_heads_is_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(text)
    found = read_mails(tmp_path)
    assert (found.heads, found.unread) == ((), ())


def real() -> EmailMessage:
    """The mail that is sent, in French, with a head."""
    sent = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)
    recipient = Recipient(email="dpo@example.org", language="fr")
    settings = Mail(sender="Lethe <lethe@example.org>", recipients=(recipient,))
    assert KEPT.archive is not None
    summary = replace(KEPT, archive=replace(KEPT.archive, line=LINE))
    return build_message(summary, Envelope(settings, recipient, "<1@x>", 0, None, sent))


def forwarded(message: EmailMessage) -> bytes:
    outer = EmailMessage()
    outer["Subject"] = "Fwd"
    outer.set_content("See below")
    outer.add_attachment(message)
    return outer.as_bytes()


def answered(message: EmailMessage, width: int = 72) -> bytes:
    outer = EmailMessage()
    text = message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    lines = [part for line in text.splitlines() for part in textwrap.wrap(line, width) or [""]]
    outer.set_content("".join(f"> {line}\n" for line in lines), cte="base64")
    return outer.as_bytes()


def only_html(message: EmailMessage, coding: str) -> bytes:
    outer = EmailMessage()
    body = message.get_body(("html",)).get_content()  # type: ignore[union-attr]
    outer.set_content(body, subtype="html", cte=coding)
    return outer.as_bytes()


def as_mailbox(message: EmailMessage) -> bytes:
    return b"".join(
        b"From lethe Mon Jun  1 04:00:00 2026\n" + data.replace(b"\r\n", b"\n") + b"\n\n"
        for data in (forwarded(message), message.as_bytes(), answered(message))
    )


REAL: dict[str, Callable[[EmailMessage], bytes]] = {
    "as sent": lambda message: message.as_bytes(),
    "LF": lambda message: message.as_bytes().replace(b"\r\n", b"\n"),
    "forwarded": forwarded,
    "attached": lambda message: attached(message.as_bytes()).encode(),
    "quoted source": lambda message: quoted(message.as_string()).encode(),
    "quoted source, base64": lambda message: coded(quoted(message.as_string())).encode(),
    "answered": answered,
    "answered, narrow": lambda message: answered(message, 60),
    "HTML alone": lambda message: only_html(message, "quoted-printable"),
    "HTML alone, base64": lambda message: only_html(message, "base64"),
    "mailbox": as_mailbox,
    "UTF-16": lambda message: message.as_string().encode("utf-16"),
    "gzip": lambda message: gzip.compress(message.as_bytes()),
}


@pytest.mark.parametrize("form", REAL)
def test_the_head_of_the_mail_that_is_sent_is_read_in_every_form_it_is_kept(
    form: str, tmp_path: Path
) -> None:
    (tmp_path / "mail.eml").write_bytes(REAL[form](real()))
    found = read_mails(tmp_path / "mail.eml")
    assert (found.heads, found.unread) == ((HEAD,), ())


def test_every_file_of_a_folder_is_looked_into_also_behind_links(tmp_path: Path) -> None:
    folder = tmp_path / "mails"
    folder.mkdir()
    box = mailbox.Maildir(str(folder / "box"))
    for number in (88, 89):
        message = EmailMessage()
        message.set_content(LINE.replace(" 88 ", f" {number} "), cte="base64")
        box.add(message)
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "x").write_text(LINE.replace(" 88 ", " 90 "))
    (folder / "link").symlink_to(tmp_path / "far")
    (tmp_path / "far" / "loop").symlink_to(folder)
    found = read_mails(folder)
    assert sorted(head.head_no for head in found.heads) == [88, 89, 90]
    assert found.unread == ()
    assert isinstance(HEAD, ToldHead)
