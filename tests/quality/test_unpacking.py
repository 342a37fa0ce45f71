"""What is packed is read like what lies open, and what cannot be read is counted and named."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typst
from lethe.quality import unpacking
from lethe.quality.leaks import scan_files
from lethe.quality.windows import OVERLAP, windows_of

NAME = "Jérôme Müller-Weiß"
LINE = f"seen by {NAME} at noon\n".encode()


def zipped(content: bytes, name: str = "rows.csv") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("first.txt", "nothing")
        archive.writestr(name, content)
    return packed.getvalue()


def tarred(content: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, data in (("first.txt", b"nothing"), ("second.txt", content)):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return bytes(sink.getvalue())


def table() -> pa.Table:
    return pa.table({"n": [1, 2], "who": ["nobody", NAME], "inner": [{"a": [NAME]}, None]})


def parquet(_content: bytes) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table(), sink, compression="zstd")
    return sink.getvalue()


def arrow(_content: bytes) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table().schema) as writer:
        writer.write_table(table())
    return sink.getvalue()


def mail(content: bytes, **how: str) -> bytes:
    found = EmailMessage()
    found["Subject"] = "Report"
    found.set_content(content.decode(), **how)  # type: ignore[arg-type]
    return found.as_bytes()


def mail_with(content: bytes) -> bytes:
    found = EmailMessage()
    found["Subject"] = "Report"
    found.set_content("see below")
    found.add_attachment(content, "application", "octet-stream", filename="a.gz")
    return found.as_bytes()


def mail_in_mail(content: bytes) -> bytes:
    inner = EmailMessage()
    inner["Subject"] = content.decode().strip()
    inner.set_content("nothing")
    outer = EmailMessage()
    outer["Subject"] = "Forwarded"
    outer.set_content("see below")
    outer.add_attachment(inner)
    return outer.as_bytes()


def drawn(content: bytes) -> bytes:
    """A page as our reports have it: numbered by glyph, in compressed streams."""
    text = content.decode().strip()
    source = f'#set page(width: 8cm)\n#set par(justify: true)\n#"{text}"\n#table([{text}])'
    return bytes(typst.compile(source.encode()))


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "a.csv": lambda c: c,
    "utf16.txt": lambda c: c.decode().encode("utf-16"),
    "a.zip": zipped,
    "a.xlsx": lambda c: zipped(b"<si><t>" + c + b"</t></si>", "xl/sharedStrings.xml"),
    "a.tar": tarred,
    "a.tar.gz": lambda c: gzip.compress(tarred(c)),
    "a.gz": gzip.compress,
    "two-members.gz": lambda c: gzip.compress(b"nothing ") + gzip.compress(c),
    "a.bz2": bz2.compress,
    "a.xz": lzma.compress,
    "a.zst": zstd,
    "a.parquet": parquet,
    "a.arrow": arrow,
    "base64.eml": lambda c: mail(c, cte="base64"),
    "quoted.eml": lambda c: mail(c, cte="quoted-printable"),
    "latin.eml": lambda c: mail(c, charset="iso-8859-1", cte="8bit"),
    "attached.eml": lambda c: mail_with(gzip.compress(c)),
    "forwarded.eml": mail_in_mail,
    "a.pdf": drawn,
    "mailed.eml": lambda c: mail_with(zipped(drawn(c), "report.pdf")),
    "deep.zip": lambda c: zipped(zipped(zipped(gzip.compress(tarred(zipped(c, "x.zip")))))),
    "parquet.zip": lambda c: zipped(parquet(c), "a.parquet"),
}


@pytest.mark.parametrize("name", PACKED)
def test_a_value_is_found_however_it_is_packed(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(PACKED[name](LINE))
    found = scan_files([tmp_path], {NAME.lower()})
    assert {(leak.file, leak.kind) for leak in found.leaks} == {(name, "value of the warehouse")}
    assert found.unread == ()


@pytest.mark.parametrize("name", PACKED)
def test_nothing_is_found_where_nothing_is(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(PACKED[name](LINE))
    assert scan_files([tmp_path], {"somebody else"}).is_clean


@pytest.mark.parametrize("name", ["a.gz", "a.zip", "a.tar.gz", "a.zst", "a.csv"])
def test_a_large_member_is_read_to_its_end_in_little_memory(tmp_path: Path, name: str):
    lines = b"a line of a log without anybody in it, again and again and again\n" * 15_000
    content = lines * 70 + LINE
    assert len(content) > unpacking.MOST_IN_MEMORY
    (tmp_path / name).write_bytes(PACKED[name](content))
    del content, lines
    tracemalloc.start()
    file = unpacking.Unpacking()
    with (tmp_path / name).open("rb") as opened:
        last = ""
        for text, _ in file.texts_of(name, opened):
            last = text
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert NAME in last
    assert most < 40_000_000
    assert not file.unread


def test_a_value_that_lies_across_two_windows_is_found_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("lethe.quality.windows._BYTES", 3_000)
    for before in range(2_900, 3_100, 7):
        text = ("x" * 9 + " ") * (before // 10) + "y" * (before % 10) + f" {NAME} " + "z " * 3_000
        found = list(windows_of(io.BytesIO(text.encode())))
        assert len(found) > 2
        assert sum(w.text.count(NAME) - w.seen.count(NAME) for w in found) == 1, before
        rebuilt = found[0].text + "".join(w.text.removeprefix(w.seen) for w in found[1:])
        assert rebuilt == text
        assert all(len(w.seen) <= OVERLAP for w in found)


def sealed_zip(content: bytes) -> bytes:
    """A zip whose second member is marked as encrypted."""
    packed = bytearray(zipped(content))
    at = packed.rindex(b"PK\x01\x02")
    packed[at + 8] |= 1
    return bytes(packed)


def too_deep(content: bytes) -> bytes:
    for _ in range(unpacking.DEEPEST + 1):
        content = zipped(content, "in.zip")
    return content


def sealed_mail(_content: bytes) -> bytes:
    found = EmailMessage()
    found["Subject"] = "Report"
    found.set_content(b"\x30\x80", "application", "pkcs7-mime")
    return found.as_bytes()


UNREAD: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "sealed.zip": (sealed_zip, unpacking.ENCRYPTED),
    "sealed.pdf": (lambda c: drawn(c) + b"\ntrailer <</Encrypt 9 0 R>>", unpacking.ENCRYPTED),
    "sealed.eml": (sealed_mail, unpacking.ENCRYPTED),
    "sealed.age": (lambda _: b"age-encryption.org/v1\n-> X25519", unpacking.ENCRYPTED),
    "deep.zip": (too_deep, unpacking.TOO_DEEP),
    "cut.gz": (lambda c: gzip.compress(c + os.urandom(5_000))[:-900], unpacking.BROKEN),
    "cut.zst": (lambda c: zstd(c + os.urandom(500_000))[:-9_000], unpacking.BROKEN),
    "cut.zip": (lambda c: zipped(c)[:-30], unpacking.BROKEN),
    "cut.tar": (lambda c: tarred(c)[:1_600], unpacking.BROKEN),
    "cut.parquet": (lambda c: parquet(c)[:-20], unpacking.BROKEN),
    "old.7z": (lambda _: b"7z\xbc\xaf\x27\x1c\0\4", unpacking.STRANGE),
    "old.xls": (lambda _: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", unpacking.STRANGE),
}


@pytest.mark.parametrize("name", UNREAD)
def test_what_cannot_be_read_is_counted_and_named_and_the_rest_is_read(tmp_path: Path, name: str):
    make, why = UNREAD[name]
    (tmp_path / name).write_bytes(make(b"nothing at all"))
    (tmp_path / "z.txt").write_bytes(LINE)
    found = scan_files([tmp_path], {NAME.lower()})
    assert [(each.file, each.why, each.number) for each in found.unread] == [(name, why, 1)]
    assert [leak.file for leak in found.leaks] == ["z.txt"]


def test_a_bomb_is_stopped_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(unpacking, "MOST_UNPACKED", 5_000_000)
    monkeypatch.setattr(
        "lethe.quality.leaks.Unpacking", lambda: unpacking.Unpacking(left=5_000_000)
    )
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(LINE + b"0" * 50_000_000))
    found = scan_files([tmp_path], {NAME.lower()})
    assert [(each.file, each.why) for each in found.unread] == [("bomb.gz", unpacking.TOO_LARGE)]


def test_one_broken_member_does_not_hide_the_others(tmp_path: Path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.gz", gzip.compress(b"nothing" + os.urandom(3_000))[:-500])
        archive.writestr("b.txt", LINE)
    (tmp_path / "a.zip").write_bytes(packed.getvalue())
    found = scan_files([tmp_path], {NAME.lower()})
    assert [str(each) for each in found.unread] == [f"a.zip: 1 × {unpacking.BROKEN}"]
    assert [leak.file for leak in found.leaks] == ["a.zip"]


def test_a_personal_name_of_a_file_is_a_leak_and_stays_unsaid(tmp_path: Path):
    (tmp_path / "letter-to_jerome@firma.lu.txt").write_text("nothing")
    (tmp_path / "export-Anne-Kayser-2026.csv").write_text("nothing")
    found = scan_files([tmp_path], {"anne kayser"})
    assert len(found.leaks) == 2
    assert "firma" not in str(found) and "kayser" not in str(found).lower()


def test_a_file_that_may_not_be_opened_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "a.log").write_bytes(LINE)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "open", refuse)
    found = scan_files([tmp_path], {NAME.lower()})
    assert [str(each) for each in found.unread] == ["a.log: 1 × may not be read"]
