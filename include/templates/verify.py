#!/usr/bin/env python3
"""Check evidence packs and bundles of the archive, offline, with nothing but Python's own library.

    python verify.py [FILE OR FOLDER ...] [--key KEY] [--seal HASH] [--heads MAILS] [--json]

Says that everything is as it was signed, or names the first thing that is not: which file, which
line, what. Exit code 0: valid; 1: not valid; 2: the call is wrong. Python 3.9 or later.

A signature proves only that the owner of a key made it. Take the key's fingerprint (--key) and the
seals (--heads) from somewhere else than the pack: from old mails. What was compared with nothing
outside is 'valid in itself': all of it may have been made up.
"""

import argparse
import base64
import email
import hashlib
import hmac
import json
import re
import struct
import sys
import zipfile
import zlib
from datetime import date, timedelta
from pathlib import Path

# Ed25519, RFC 8032 section 5.1 --------------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def add(a, b):
    k = (a[1] - a[0]) * (b[1] - b[0]) % P
    m = (a[1] + a[0]) * (b[1] + b[0]) % P
    t = 2 * a[3] * b[3] * D % P
    z = 2 * a[2] * b[2] % P
    e, f, g, h = m - k, z - t, z + t, m + k
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(scalar, point):
    found = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            found = add(found, point)
        point = add(point, point)
        scalar >>= 1
    return found


def same(a, b):
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def point(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


_y = 4 * pow(5, P - 2, P) % P
BASE = point(_y.to_bytes(32, "little"))


def is_signed(public, signature, message):
    """Check an Ed25519 signature; never raises on bad input."""
    if len(public) != 32 or len(signature) != 64:
        return False
    a, r = point(public), point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    return same(times(s, BASE), add(r, times(h, a)))


# The tree of RFC 9162 ------------------------------------------------------------------------


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def is_included(leaf, index, size, proof, root):
    if not 0 <= index < size:
        return False
    at, last, result = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            result = node(sibling, result)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            result = node(result, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and result == root


def is_consistent(old, size, old_root, root, proof):
    if not 0 < old <= size:
        return False
    if old == size:
        return not proof and old_root == root
    at, last, rest = old - 1, size - 1, list(proof)
    while at & 1:
        at, last = at >> 1, last >> 1
    below = above = rest.pop(0) if at and rest else old_root
    if at == 0:
        below = above = old_root
    for sibling in rest:
        if last == 0:
            return False
        if at & 1 or at == last:
            below, above = node(sibling, below), node(sibling, above)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            above = node(above, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and below == old_root and above == root


def nodes(texts):
    return [bytes.fromhex(text) for text in texts]


# Files and lines ----------------------------------------------------------------------------

UNREADABLE = (
    KeyError,
    TypeError,
    ValueError,
    IndexError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)
LARGEST = 1 << 30
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:[./][A-Za-z0-9_-]+)*\Z")


class Fault(Exception):
    """The first thing that is not as it should be: file, line (0: the whole file), what."""

    def __init__(self, file, line, what, general=False):
        file, what = printable(file), printable(what)
        super().__init__(f"{file}:{line}: {what}" if line else f"{file}: {what}")
        self.file, self.line, self.what, self.general = file, line, what, general


def printable(text):
    """What a pack says, without what could move the cursor of whoever reads it."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)[
        :500
    ]


def read_zip(path, names=None):
    """Read a zip file of ours, or name what is wrong with it.

    names    those of a bundle, in their order; None: an evidence pack, whose names are sorted
    """
    try:
        return _read_zip(path, names)
    except struct.error:
        raise Fault(path.name, 0, "the zip file was changed") from None
    except MemoryError:
        raise Fault(path.name, 0, "unpacks to more than this machine can hold") from None


def _read_zip(path, names):
    """Read a zip as we write it, and in no other form: every byte of it has one possible value.

    What a lenient reader skips is refused: two entries of one name, names that lead elsewhere,
    gaps, comments, sizes that lie. Nothing is unpacked beyond the size that an entry declares.
    """
    name = path.name
    largest, what = (LARGEST, "1 GiB: it is no evidence pack")
    if names is not None:
        largest, what = (4 * LARGEST, "4 GiB: it is no bundle")
    if path.stat().st_size > largest:
        raise Fault(name, 0, f"is larger than {what}")
    data = path.read_bytes()
    if len(data) < 22 or data[-22:-18] != b"PK\5\6":
        raise Fault(name, 0, "is no whole zip file: it was cut off, or something was added")
    disk, start, here, entries, size, offset, comment = struct.unpack("<4H2IH", data[-18:])
    if (disk, start, comment) != (0, 0, 0) or here != entries or offset + size != len(data) - 22:
        raise Fault(name, 0, "the end of the zip file was changed")
    files, place, at, total, previous = {}, offset, 0, 0, ""
    for _ in range(entries):
        if data[place : place + 4] != b"PK\1\2":
            raise Fault(name, 0, "the list of the zip file was changed")
        fields = struct.unpack("<6H3I5H2I", data[place + 4 : place + 46])
        made, need, flags, method, clock, day, crc, packed, plain = fields[:9]
        length, extra, remark, disk, inner, outer, begin = fields[9:]
        entry = data[place + 46 : place + 46 + length].decode("ascii", "replace")
        if not NAME.match(entry):
            raise Fault(name, 0, f"an entry has a name that leads elsewhere: {entry!r}")
        if names is not None and entry not in names:
            raise Fault(entry, 0, "is no file of the bundle")
        if entry in files:
            raise Fault(entry, 0, "is there twice in the zip file")
        if entry <= previous if names is None else entry != names[len(files)]:
            raise Fault(entry, 0, "stands in the wrong place in the zip file")
        previous = entry
        total += plain
        if total > largest:
            raise Fault(entry, 0, f"the zip file unpacks to more than {what}")
        if names is not None and plain > max(1 << 20, 100 * packed):
            raise Fault(entry, 0, "says that it unpacks to far more than it can hold")
        fixed = (made, need, flags, extra, remark, disk, inner, outer)
        mode = 0o100644 if names is None else 0o600
        dated = (clock, day) != (0, 33) and names is None
        if fixed != (0x314, 20, 0, 0, 0, 0, 0, mode << 16) or dated or begin != at:
            raise Fault(entry, 0, "its entry in the zip file was changed")
        header = struct.pack("<5H3I2H", 20, 0, method, clock, day, crc, packed, plain, length, 0)
        if data[at : at + 30 + length] != b"PK\3\4" + header + entry.encode("ascii"):
            raise Fault(entry, 0, "its header in the zip file was changed")
        at += 30 + length
        files[entry] = _unpack(entry, data[at : at + packed], method, plain, crc)
        at += packed
        place += 46 + length
    if at != offset or place != len(data) - 22:
        raise Fault(name, 0, "something stands between the entries of the zip file")
    return files


def _unpack(name, packed, method, size, crc):
    if method == 0:
        plain = packed
    elif method == 8:
        unpacker = zlib.decompressobj(-15)
        try:
            plain = unpacker.decompress(packed, size + 1)
        except zlib.error:
            raise Fault(name, 0, "cannot be unpacked: its bytes were changed") from None
        if not unpacker.eof or unpacker.unused_data:
            raise Fault(name, 0, "unpacks to another size than the zip file says")
    else:
        raise Fault(name, 0, "is packed in a way that we do not use")
    if len(plain) != size:
        raise Fault(name, 0, "unpacks to another size than the zip file says")
    if zlib.crc32(plain) != crc:
        raise Fault(name, 0, "its bytes were changed")
    return plain


def read_folder(path):
    """Read an unpacked pack."""
    files, total = {}, 0
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path).as_posix()
        if file.is_symlink() or not (file.is_file() or file.is_dir()):
            raise Fault(name, 0, "is a link or a device, not a file")
        if file.is_file():
            total += file.stat().st_size
            if total > LARGEST:
                raise Fault(name, 0, "the folder holds more than 1 GiB: it is no evidence pack")
            files[name] = file.read_bytes()
    return files


def _once(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is there twice")
    return found


def _refuse(name):
    raise ValueError(f"{name} is no JSON")


def parse(text):
    """Read JSON in which every name stands once."""
    return json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)


def plain_json(value):
    """Write what holds only ASCII text and whole numbers in its canonical form (RFC 8785)."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def leaf_of(data):
    return hashlib.sha256(b"\x00" + data).digest()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


# The evidence pack ---------------------------------------------------------------------------

PACK = "lethe-evidence-pack/1"
SPKI = bytes.fromhex("302a300506032b6570032100")
TABLES = {
    "policies.jsonl",
    "runs.jsonl",
    "plans.jsonl",
    "tables.jsonl",
    "approvals.jsonl",
    "seals.jsonl",
    "ledger.jsonl",
    "archive.jsonl",
    "quality.jsonl",
}
COUNTED = {name.partition(".")[0] for name in TABLES} - {"ledger"} | {"rows", "commitments"}
POLICY_NAMES = ("name", "version", "digest")
NEEDED = TABLES | {"manifest.json", "manifest.sig", "key.pem", "VERIFY.md", "verify.py"}
SHELL = {"id", "batch", "run_id", "at", "kind", "commitment"}
NEVER_HIDDEN = {
    "archive_appended",
    "batch_done",
    "edition_approve",
    "edition_reject",
    "evidence_pack_signed",
    "ledger_rows_expired",
    "plan_approved",
    "plan_rejected",
    "sweep_closed",
    "warehouse_armed",
    "warehouse_disarmed",
    "warehouse_replayed",
}
DECISIONS = {
    "plan_approved": "approve",
    "plan_rejected": "reject",
    "edition_approve": "approve",
    "edition_reject": "reject",
}


VALID, ALONE = "valid", "valid in itself, but compared with nothing outside"
REPORT = re.compile(r"report/report\.")
REMADE = (
    "a report that was made again later has another manifest;"
    " take the pack that came with that very mail"
)
COMPARED = {
    "key": "the key that you named",
    "seal": "the seal that you named",
    "evidence-key": "the signing key",
    "ledger-seal": "seals of the ledger",
    "archive-head": "heads of the archive",
    "evidence-pack": "the line of this very pack",
    "report": "reports",
}


class Pack:
    """One evidence pack and what is found to be wrong with it, first things first."""

    def __init__(self, path):
        self.path = path
        self.faults, self.notes = [], []
        self.manifest, self.files = {}, {}
        self.seals, self.rows, self.hidden, self.heads = {}, {}, {}, {}
        self.runs, self.lines, self.blinded = {}, {}, False
        self.compared = {}

    def fault(self, file, line, what):
        self.faults.append(Fault(file, line, what))

    def check(self, key=None):
        """Check everything that the pack says of itself."""
        try:
            self.files = read_folder(self.path) if self.path.is_dir() else read_zip(self.path)
            for name in sorted(NEEDED - set(self.files)):
                raise Fault(name, 0, "is missing")
            self.manifest = parse(self.files["manifest.json"])
            if self.manifest["format"] != PACK:
                raise Fault("manifest.json", 0, "is not of a format that this program knows")
            self._form()
        except Fault as fault:
            self.faults.append(fault)
            return self
        except UNREADABLE:
            broken = "manifest.json" if self.files else self.path.name
            self.fault(broken, 0, "cannot be read")
            return self
        for file, check in (
            ("manifest.json", lambda: self._signature(key)),
            ("manifest.json", self._files),
            ("policies.jsonl", self._policies),
            ("seals.jsonl", self._seals),
            ("ledger.jsonl", self._rows),
            ("runs.jsonl", self._runs),
            ("plans.jsonl", self._plans),
            ("tables.jsonl", self._tables),
            ("approvals.jsonl", self._approvals),
            ("archive.jsonl", self._archive),
            ("ledger.jsonl", self._registrations),
            ("quality.jsonl", lambda: list(self._read("quality.jsonl"))),
            ("manifest.json", self._counts),
        ):
            self.at = (file, 0)
            try:
                check()
            except Fault as fault:
                self.faults.append(fault)
            except UNREADABLE:
                self.fault(*self.at, "does not have the form that it should have")
        return self

    def _form(self):
        """What later checks take for granted of the manifest; raises if it is otherwise."""
        said = self.manifest
        kind, first, last = self.period
        days = date.fromisoformat(first), date.fromisoformat(last)
        before = said["ledger"]["previous_seal"]
        texts = [said["warehouse_id"], said["made_at"], *map(said["policy"].get, POLICY_NAMES)]
        counts = said["counts"]
        told = [said["ledger"][name] for name in ("first_seal", "last_seal")]
        if not (
            kind in ("day", "month")
            and days[0] <= days[1]
            and (kind == "month" or days[0] == days[1])
            and isinstance(said["rehearsal"], bool)
            and all(isinstance(text, str) for text in texts)
            and all(isinstance(number, (int, type(None))) for number in told)
            and set(counts) == COUNTED
            and all(isinstance(count, int) for count in counts.values())
            and (before is None or before["seal_no"] > 0)
            and (before is None or len(bytes.fromhex(before["seal_hash"])) == 32)
        ):
            raise Fault("manifest.json", 0, "does not have the form that it should have")

    @property
    def first(self):
        """The first fault; of a file that was changed, what was changed in it if that is seen."""
        if not self.faults:
            return None
        first = self.faults[0]
        inside = [each for each in self.faults if each.file == first.file and not each.general]
        return inside[0] if inside and first.general else first

    def _read(self, name):
        """The lines of a file, remembering where we are."""
        data = self.files[name]
        if data and not data.endswith(b"\n"):
            raise Fault(name, data.count(b"\n") + 1, "the last line is cut off")
        for number, line in enumerate(data.split(b"\n")[:-1], start=1):
            self.at = (name, number)
            try:
                found = parse(line.decode("utf-8"))
            except UNREADABLE:
                raise Fault(name, number, "is not a line of JSON") from None
            if not isinstance(found, dict):
                raise Fault(name, number, "is not a JSON object")
            self.lines.setdefault(name, []).append(found)
            yield number, found

    def _signature(self, key):
        said = self.manifest["key"]
        public = bytes.fromhex(said["public_key"])
        signature = self.files["manifest.sig"]
        self.fingerprint = sha256(public)
        if said["algorithm"] != "Ed25519" or said["fingerprint"] != self.fingerprint:
            self.fault("manifest.json", 0, "the fingerprint is not that of the public key")
        if key is not None and key not in (self.fingerprint, public.hex()):
            self.fault(
                "manifest.json",
                0,
                f"is signed by another key ({self.fingerprint}) than the one that you named",
            )
        if not is_signed(public, signature, self.files["manifest.json"]):
            self.fault("manifest.sig", 0, "the signature is not one of this key over manifest.json")
        pem = base64.b64encode(SPKI + public).decode()
        pem = f"-----BEGIN PUBLIC KEY-----\n{pem}\n-----END PUBLIC KEY-----\n".encode()
        if self.files["key.pem"] != pem:
            self.fault("key.pem", 0, "is another key than the one of the manifest")

    def _files(self):
        told = self.manifest["files"]
        lower = [name.lower() for name in told]
        for name in sorted(set(told) | set(self.files)):
            if name in ("manifest.json", "manifest.sig"):
                if name in told:
                    self.fault(name, 0, "cannot be told by the manifest")
            elif name not in self.files:
                self.fault(name, 0, "is missing: the manifest tells it")
            elif name not in told:
                self.fault(name, 0, "was added: the manifest does not tell it")
            elif not NAME.match(name) or lower.count(name.lower()) > 1:
                self.fault(name, 0, "has a name that leads elsewhere")
            elif told[name] != {"bytes": len(self.files[name]), "sha256": sha256(self.files[name])}:
                what = "is not the file that was signed: its SHA-256 is another one"
                self.faults.append(Fault(name, 0, what, general=True))

    def _policies(self):
        self.policies, digests = {}, set()
        for number, each in self._read("policies.jsonl"):
            digest = each["digest"]
            if digest in self.policies:
                self.fault("policies.jsonl", number, "tells an edition twice")
            self.policies[digest] = each
            text = self.files.get(f"policy/{digest}.json")
            if text is not None and sha256(text) != digest:
                self.fault(f"policy/{digest}.json", 0, "is not the policy of that digest")
            elif text is not None:
                said = parse(text)["policy"]
                for name in ("name", "version", "effective_from", "announced_on"):
                    if said.get(name) != each[name]:
                        what = f"{name} is {each[name]}; the policy itself says {said.get(name)}"
                        self.fault("policies.jsonl", number, what)
            else:
                self.notes.append(f"edition {each['version']} is here as text only: {digest}")
            if (text is not None) != each["canonical"]:
                self.fault("policies.jsonl", number, "the text of this edition is not in the pack")
            digests.add(digest)
        for name in self.files:
            if name.startswith("policy/") and name[7:].partition(".")[0] not in digests:
                self.fault(name, 0, "is of an edition that policies.jsonl does not tell")
        if self.manifest["policy"]["digest"] not in digests:
            self.fault("policies.jsonl", 0, "does not tell the edition that the manifest names")

    def _seals(self):
        told = self.manifest["ledger"]
        before = told["previous_seal"]
        expected = before["seal_no"] + 1 if before else 1
        digest = before["seal_hash"] if before else "00" * 32
        for number, seal in self._read("seals.jsonl"):
            no = seal["seal_no"]
            if no != expected:
                what = f"seal {expected} is missing" if no > expected else f"seal {no} comes again"
                raise Fault("seals.jsonl", number, what)
            if seal["previous_hash"] != digest:
                what = f"seal {no} does not continue the seal before it"
                self.fault("seals.jsonl", number, what)
            fields = {name: seal[name] for name in seal if name != "seal_hash"}
            fields["warehouse_id"] = self.manifest["warehouse_id"]
            if leaf_of(plain_json(fields)).hex() != seal["seal_hash"] or len(fields) != 8:
                self.fault("seals.jsonl", number, f"seal {no} was changed")
            self.seals[no] = (number, seal)
            expected, digest = no + 1, seal["seal_hash"]
            # The clock of a rehearsal is not that of the wall; one day for time zones.
            if not self.manifest["rehearsal"] and seal["sealed_at"][:10] > self._day_after():
                self.fault("seals.jsonl", number, f"seal {no} was made after the period")
        end = (
            {"first_seal": min(self.seals), "last_seal": max(self.seals)}
            if self.seals
            else {"first_seal": None, "last_seal": None}
        )
        for name, value in end.items():
            if told[name] != value:
                self.fault("seals.jsonl", 0, f"{name.replace('_', ' ')} should be {told[name]}")
        if told["last_hash"] != (digest if self.seals or before else None):
            self.fault("seals.jsonl", 0, "does not end with the seal that the manifest names")

    def _day_after(self):
        return (date.fromisoformat(self.manifest["period"]["last"]) + timedelta(1)).isoformat()

    def _rows(self):
        name = "ledger.jsonl"
        number, seal_no, leaves, ids, first_line, last = 0, None, [], [], 0, 0
        seen = set()

        def close():
            if seal_no is None:
                return
            _, seal = self.seals[seal_no]
            found = (len(ids), ids[0], ids[-1])
            if found != (seal["leaf_count"], seal["first_id"], seal["last_id"]):
                self.fault(
                    name,
                    first_line,
                    f"under seal {seal_no} stand {found[0]} rows {found[1]} to {found[2]}; it "
                    f"covers {seal['leaf_count']}, {seal['first_id']} to {seal['last_id']}",
                )
            elif root_of(leaves).hex() != seal["merkle_root"]:
                self.fault(
                    name,
                    first_line,
                    f"of the rows {found[1]} to {found[2]} under seal {seal_no} one was changed, "
                    "swapped or hidden",
                )
            seen.add(seal_no)

        for number, each in self._read(name):
            if each["seal"] != seal_no:
                close()
                if each["seal"] in seen or each["seal"] not in self.seals:
                    raise Fault(name, number, f"stands under seal {each['seal']}, out of place")
                if seal_no is not None and each["seal"] < seal_no:
                    raise Fault(name, number, "stands under a seal before the one above it")
                seal_no, leaves, ids, first_line, last = each["seal"], [], [], number, 0
            row_id = each["id"]
            if row_id <= last:
                raise Fault(name, number, f"row {row_id} stands out of order")
            if row_id in self.rows or row_id in self.hidden:
                raise Fault(name, number, f"row {row_id} is there twice")
            last = row_id
            ids.append(row_id)
            if "row" in each:
                self._open_row(number, each)
                leaves.append(leaf_of(each["row"].encode()))
            else:
                leaves.append(self._hidden_row(number, each))
        close()
        for no, (line, _) in self.seals.items():
            if no not in seen:
                self.fault("seals.jsonl", line, f"no row under seal {no} is in {name}")
        self._erasures()

    def _erasures(self):
        """Each batch has as many hidden rows of erased subjects as it says that it erased.

        Subjects that went with a whole partition have no row each.
        """
        found, told, whole = {}, {}, {}
        for line, each in self.hidden.values():
            if each.get("kind") == "subject_erased":
                found[each["batch"]] = found.get(each["batch"], (0, 0))[0] + 1, line
        for line, _, row in self._of_kind("batch_done"):
            told[row["batch"]] = row["payload"]["done"], line
        for _, _, row in self._of_kind("partition_dropped"):
            whole[row["batch"]] = whole.get(row["batch"], 0) + row["payload"]["rows"]
        if any("leaf" in each for _, each in self.hidden.values()):
            return
        for batch in sorted(set(found) | set(told)):
            done, line = told.get(batch, (0, found.get(batch, (0, 0))[1]))
            rows = found.get(batch, (0, 0))[0] + whole.get(batch, 0)
            if done != rows:
                what = f"batch {batch} erased {done} subjects; {rows} rows say so"
                self.fault("ledger.jsonl", line, what)

    def _open_row(self, number, each):
        row = parse(each["row"])
        if row["id"] != each["id"]:
            self.fault("ledger.jsonl", number, f"is row {row['id']}, not row {each['id']}")
        if row["subject_token"] is not None or row["key_id"] is not None:
            self.fault("ledger.jsonl", number, "shows a row about a single subject in the clear")
        self.rows[each["id"]] = (number, each["seal"], row)

    def _hidden_row(self, number, each):
        """A commitment: number, batch, run, instant and kind are under the seal, too."""
        name = "ledger.jsonl"
        self.hidden[each["id"]] = number, each
        if set(each) == {"seal", "id", "leaf"}:
            if self.blinded:
                self.fault(name, number, "hides even its kind, after rows that do not")
            self.notes.append(
                "rows from before rows were blinded: of these not even the kind is sure"
            )
            return bytes.fromhex(each["leaf"]).ljust(32)[:32]
        self.blinded = True
        if set(each) != SHELL | {"seal"} or not re.fullmatch("[0-9a-f]{64}", each["commitment"]):
            self.fault(name, number, "is neither a row nor a commitment")
        if each["kind"] in NEVER_HIDDEN:
            self.fault(name, number, f"hides a row that everybody may see ({each['kind']})")
        return leaf_of(plain_json({field: each[field] for field in SHELL}))

    def _of_kind(self, *kinds):
        return [(line, seal, row) for line, seal, row in self.rows.values() if row["kind"] in kinds]

    def _runs(self):
        for number, run in self._read("runs.jsonl"):
            if run["run_id"] in self.runs:
                self.fault("runs.jsonl", number, "tells a run twice")
            self.runs[run["run_id"]] = run
            edition = self.policies.get(run["policy_digest"])
            if edition is None:
                self.fault("runs.jsonl", number, "ran under an edition that the pack does not tell")
            elif (run["policy_name"], run["policy_version"]) != (
                edition["name"],
                edition["version"],
            ):
                self.fault("runs.jsonl", number, "names its edition otherwise than policies.jsonl")
        shells = [(number, each) for number, each in self.hidden.values() if "run_id" in each]
        for number, row in [(number, row) for number, _, row in self.rows.values()] + shells:
            if row["run_id"] is not None and row["run_id"] not in self.runs:
                self.fault("ledger.jsonl", number, "is of a run that runs.jsonl does not tell")

    def _plans(self):
        """What was planned, against what the sealed ledger says when the run was closed."""
        plans = {}
        for number, plan in self._read("plans.jsonl"):
            at = plan["run_id"], plan["rule"]
            if at in plans:
                self.fault("plans.jsonl", number, "tells a rule of a run twice")
            if plan["run_id"] not in self.runs:
                self.fault("plans.jsonl", number, "is of a run that runs.jsonl does not tell")
            plans[at] = number, plan
        self.plans, closings = plans, {}
        for line, _, row in self._of_kind("sweep_closed"):
            closings[row["run_id"]] = line, row
        for run_id, (line, row) in closings.items():
            self.at = ("ledger.jsonl", line)
            run, said = self.runs.get(run_id), row["payload"]
            if run is None:
                continue
            for name, value in (("as_of", run["as_of"]), ("policy_digest", run["policy_digest"])):
                sealed = said.get(name.replace("_digest", ""), value)
                if sealed != value:
                    place = self.lines["runs.jsonl"].index(run) + 1
                    self.fault(
                        "runs.jsonl", place, f"{name} is {value}; the sealed ledger says {sealed}"
                    )
            for rule, sums in said["rules"].items():
                number, plan = plans.get((run_id, rule), (0, None))
                if plan is None:
                    self.fault(
                        "plans.jsonl",
                        0,
                        f"the plan of rule {rule} is missing: line {line} of the ledger closes it",
                    )
                    continue
                told = {**plan, "done": plan["counts"].get("done", 0)}
                for name in ("digest", "planned", "done"):
                    if name in sums and sums[name] != told[name]:
                        self.fault(
                            "plans.jsonl",
                            number,
                            f"{name} is {told[name]}; the sealed ledger says {sums[name]}",
                        )
        for (run_id, rule), (number, _) in plans.items():
            if run_id in closings and rule not in closings[run_id][1]["payload"]["rules"]:
                what = f"the sealed ledger closes this run without rule {rule}"
                self.fault("plans.jsonl", number, what)
        self.closings = closings

    def _tables(self):
        """Rows deleted and changed, against what the run was closed with."""
        found = {}
        for number, each in self._read("tables.jsonl"):
            at = each["run_id"], each["rule"], each["table"]
            if at in found:
                self.fault("tables.jsonl", number, "tells a table of a rule twice")
            if at[:2] not in self.plans:
                self.fault("tables.jsonl", number, "is of a rule that plans.jsonl does not tell")
            found[at] = number, each
        for run_id, (line, row) in self.closings.items():
            self.at = ("ledger.jsonl", line)
            sealed = {
                (run_id, rule, table): counts
                for rule, sums in row["payload"]["rules"].items()
                for table, counts in sums.get("tables", {}).items()
            }
            for at, counts in sealed.items():
                number, each = found.get(at, (0, None))
                if each is None:
                    what = f"the counts of {at[2]} are missing: line {line} of the ledger has them"
                    self.fault("tables.jsonl", 0, what)
                    continue
                for name in ("deleted", "changed"):
                    if each[name] != counts[name]:
                        self.fault(
                            "tables.jsonl",
                            number,
                            f"{name} is {each[name]}; the sealed ledger says {counts[name]}",
                        )
            for at, (number, each) in found.items():
                if at[0] == run_id and at not in sealed and (each["deleted"] or each["changed"]):
                    self.fault("tables.jsonl", number, "the sealed ledger does not tell this table")

    def _approvals(self):
        """Decisions, against the ledger rows that were written in the same transactions."""
        told, self.earlier = {}, []
        rows = self.decisions()
        for number, each in self._read("approvals.jsonl"):
            if each["policy_digest"] not in self.policies:
                what = "is about an edition that the pack does not tell"
                self.fault("approvals.jsonl", number, what)
            if each["row"] is None:
                self.fault("approvals.jsonl", number, "never came onto the ledger")
            elif each["row"] in told:
                what = f"is the second for row {each['row']} of the ledger"
                self.fault("approvals.jsonl", number, what)
            elif each["row"] in rows:
                self.compare_decision(number, each, rows[each["row"]])
            elif not self.seals or each["seal"] < min(self.seals):
                self.earlier.append((number, each))
                self.notes.append(
                    f"approvals.jsonl:{number} is under seal {each['seal']}, before this pack: "
                    "check it together with the pack that holds it"
                )
            else:
                what = f"names row {each['row']} of the ledger, which is no such decision"
                self.fault("approvals.jsonl", number, what)
            told[each["row"]] = number
        for row_id, sealed in rows.items():
            if row_id not in told:
                what = (
                    f"the decision of row {row_id} of the ledger is missing: {sealed['decision']}"
                )
                self.fault("approvals.jsonl", 0, what)
        self._unapproved()

    def decisions(self):
        """What the ledger rows of decisions say, by number of row."""
        return {
            row["id"]: {
                "seal": seal,
                "decision": DECISIONS[row["kind"]],
                "decided_by": row["payload"]["by"],
                "decided_at": row["at"],
                "digest": row["payload"].get("digest", row["payload"].get("diff")),
                "rule": row["payload"].get("rule"),
            }
            for _, seal, row in self._of_kind(*DECISIONS)
        }

    def compare_decision(self, number, each, sealed):
        for name, value in sealed.items():
            if each[name] != value:
                what = f"{name} is {each[name]}; the sealed ledger says {value}"
                self.fault("approvals.jsonl", number, what)

    def _unapproved(self):
        """What was over a limit was approved before the first batch."""
        approved = {}
        for each in self.lines.get("approvals.jsonl", ()):
            if each["decision"] == "approve":
                at = each["digest"], each["policy_digest"]
                approved[at] = min(each["decided_at"], approved.get(at, each["decided_at"]))
        begun = {}
        for _, _, row in self._of_kind("batch_done"):
            at = row["run_id"], row["payload"]["rule"]
            begun[at] = min(row["at"], begun.get(at, row["at"]))
        for at, (number, plan) in self.plans.items():
            policy = self.runs.get(at[0], {}).get("policy_digest")
            decided = approved.get((plan["digest"], policy))
            if plan["over_limit"] and at in begun and (decided is None or decided > begun[at]):
                self.notes.append(
                    f"plans.jsonl:{number}: {at[1]} was over a limit ({plan['over_limit']}) and "
                    "was worked on; no earlier approval of its digest is here"
                )

    def _archive(self):
        """Signed heads, chained, each a beginning of the last; and what the ledger says of them."""
        told = self.manifest["archive"]
        key = bytes.fromhex(told["public_key"]) if told else b""
        before = None
        places = {}
        last = None
        listed = list(self._read("archive.jsonl"))
        if bool(listed) != bool(told):
            raise Fault("archive.jsonl", 0, "does not hold what the manifest says")
        if listed:
            last = parse(listed[-1][1]["message"])
        for number, head in listed:
            self.at = ("archive.jsonl", number)
            message, signature = head["message"].encode(), bytes.fromhex(head["signature"])
            said = parse(head["message"])
            no = said["head_no"]
            if plain_json(said) != message or said["public_key"] != key.hex():
                self.fault("archive.jsonl", number, f"head {no} is not one of this archive")
            if said["warehouse_id"] != self.manifest["warehouse_id"]:
                self.fault("archive.jsonl", number, f"head {no} is of another warehouse")
            if not is_signed(key, signature, message):
                self.fault("archive.jsonl", number, f"the signature of head {no} is wrong")
            if before is not None and (before[0] + 1, before[1]) != (no, said["previous_hash"]):
                what = f"head {no} does not continue head {before[0]}"
                self.fault("archive.jsonl", number, what)
            old, root, proof = said["tree_size"], said["root"], nodes(head["consistency"])
            new = last["tree_size"], bytes.fromhex(last["root"])
            if not is_consistent(old, new[0], bytes.fromhex(root), new[1], proof):
                self.fault("archive.jsonl", number, f"head {no} is no beginning of the last one")
            before = no, leaf_of(message + signature).hex()
            self.heads[no], places[no] = said, number
        if last is not None:
            ends = told["first_head"], told["last_head"], told["tree_size"], told["root"]
            if ends != (min(self.heads), last["head_no"], last["tree_size"], last["root"]):
                self.fault("archive.jsonl", 0, "does not end with the head that the manifest names")
        for line, _, row in self._of_kind("archive_appended"):
            said = row["payload"]
            head = self.heads.get(said["head_no"])
            if head is None:
                what = f"head {said['head_no']} is missing: line {line} of the ledger tells it"
                self.fault("archive.jsonl", 0, what)
            elif (head["tree_size"], head["root"]) != (said["tree_size"], said["root"]):
                what = f"head {said['head_no']} is not the one that the sealed ledger tells"
                self.fault("archive.jsonl", places[said["head_no"]], what)

    def _registrations(self):
        """Packs that were signed before, as the ledger tells them."""
        self.registered = []
        for line, _, row in self._of_kind("evidence_pack_signed"):
            self.at = ("ledger.jsonl", line)
            said = row["payload"]
            period = [said["kind"], said["first"], said["last"]]
            if not all(isinstance(text, str) for text in [*period, said["manifest_sha256"]]):
                raise ValueError
            self.registered.append((line, period, said["manifest_sha256"]))

    def _counts(self):
        found = {
            "rows": len(self.rows) + len(self.hidden),
            "commitments": len(self.hidden),
            "seals": len(self.seals),
            **{
                name.partition(".")[0]: len(self.lines.get(name, ()))
                for name in sorted(TABLES - {"ledger.jsonl", "seals.jsonl"})
            },
        }
        for name, count in self.manifest["counts"].items():
            if found.get(name) != count:
                self.fault("manifest.json", 0, f"tells {count} {name}; {found.get(name)} are here")

    def compare(self, mails, files=None, key=None, seal=None):
        """Compare with what somebody has from elsewhere, and remember with what.

        mails    lines of old mails; files: SHA-256 -> name of files that came with them
        Returns  how many of these lines and files were about what this pack covers
        """
        keys, mailed = set(), set()
        found = dict.fromkeys(COMPARED, 0)
        found["key"], found["seal"] = int(key is not None), int(seal is not None)
        before = self.manifest["ledger"]["previous_seal"]
        hashes = {no: each["seal_hash"] for no, (_, each) in self.seals.items()}
        if before:
            hashes[before["seal_no"]] = before["seal_hash"]
        if seal is not None and seal not in hashes.values():
            self.fault("seals.jsonl", 0, "does not hold the seal that you named")
        own = self.manifest["warehouse_id"]
        for what, warehouse, *rest in mails:
            if warehouse != own:
                continue
            if what == "ledger-seal" and int(rest[0]) in hashes:
                found[what] += 1
                if hashes[int(rest[0])] != rest[1]:
                    line = self.seals.get(int(rest[0]), (0,))[0]
                    self.fault("seals.jsonl", line, f"seal {rest[0]} is not the one of the mail")
            elif what == "archive-head" and int(rest[0]) in self.heads:
                found[what] += 1
                head = self.heads[int(rest[0])]
                if (str(head["tree_size"]), head["root"]) != tuple(rest[1:3]):
                    line = list(self.heads).index(int(rest[0])) + 1
                    self.fault("archive.jsonl", line, f"head {rest[0]} is not the one of the mail")
            elif what == "evidence-key":
                found[what] += 1
                keys.add(rest[0])
            elif what == "evidence-pack" and rest[:3] == self.period:
                found[what] += 1
                mailed.add(rest[3])
        if keys and self.fingerprint not in keys:
            self.fault("manifest.json", 0, "is signed by another key than the mails name")
        if mailed and sha256(self.files["manifest.json"]) not in mailed:
            self.fault("manifest.json", 0, f"is not the manifest that the mail tells: {REMADE}")
        known = {sha256(self.files[name]): name for name in self.files if REPORT.match(name)}
        same = sorted(known[digest] for digest in known if digest in (files or {}))
        self.notes += [f"{name} is byte for byte the file that you have" for name in same]
        found["report"] = len(same)
        self.compared = {name: count for name, count in found.items() if count}
        return sum(self.compared.values()) - found["key"] - found["seal"]

    @property
    def unproven(self):
        """What nothing from elsewhere has shown, in words; the gravest first."""
        if not self.compared:
            return [
                "that anybody ever sent or saw this: whoever made it may have made up all of it. "
                "Give old mails (--heads), or the key's fingerprint out of one (--key)"
            ]
        missing = []
        if not {"seal", "ledger-seal", "archive-head", "evidence-pack"} & set(self.compared):
            missing.append(
                "that the owner of the key did not write another history afterwards: no seal "
                "from elsewhere was compared"
            )
        if not {"evidence-pack", "report"} & set(self.compared):
            kind, first, last = self.period
            days = first if first == last else f"{first} to {last}"
            missing.append(
                "that the report in it is the one that was sent: the mail with the report of the "
                f"{kind} {days} tells (its line lethe-evidence-pack)"
            )
        return missing

    @property
    def period(self):
        """Kind, first and last day."""
        said = self.manifest["period"]
        return [said["kind"], said["first"], said["last"]]

    def say(self):
        """The pack in one line."""
        kind, first, last = self.period
        ledger, counts = self.manifest["ledger"], self.manifest["counts"]
        days = first if kind == "day" else f"{first} to {last}"
        days += " (a rehearsal)" if self.manifest["rehearsal"] else ""
        seals = (
            "no seal" if not self.seals else f"seals {ledger['first_seal']} to {max(self.seals)}"
        )
        return (
            f"{VALID if self.compared else ALONE}: "
            f"{self.manifest['policy']['name']}, {kind} {days}: {seals}, "
            f"{counts['rows']} ledger rows ({counts['commitments']} as commitments), "
            f"{counts['plans']} plans, {counts['approvals']} approvals, "
            f"{counts['archive']} heads of the archive"
        )


def root_of(leaves):
    """The root of RFC 9162 over hashed leaves."""
    peaks = []
    for number, leaf in enumerate(leaves, start=1):
        while number & 1 == 0:
            leaf, number = node(peaks.pop(), leaf), number >> 1
        peaks.append(leaf)
    root = peaks.pop()
    while peaks:
        root = node(peaks.pop(), root)
    return root


def check_succession(packs):
    """Packs of one warehouse tell one history, and of each kind none is left out."""
    faults = []
    for own in sorted({pack.manifest["warehouse_id"] for pack in packs}):
        known, registered, decisions = {}, {}, {}
        here = [pack for pack in packs if pack.manifest["warehouse_id"] == own]
        for pack in here:
            for no, (line, seal) in pack.seals.items():
                if known.setdefault(no, seal["seal_hash"]) != seal["seal_hash"]:
                    what = f"seal {no} is another one in two packs: two histories were told"
                    faults.append((pack, Fault("seals.jsonl", line, what)))
            decisions.update(pack.decisions())
            for line, period, digest in pack.registered:
                registered.setdefault(tuple(period), {})[digest] = pack, line
        for pack in here:
            manifests = registered.get(tuple(pack.period))
            if manifests and sha256(pack.files["manifest.json"]) not in manifests:
                what = (
                    "is not the pack of that period which the sealed ledger of another pack tells"
                )
                faults.append((pack, Fault("manifest.json", 0, what)))
        for pack in here:
            for number, each in pack.earlier:
                sealed = decisions.get(each["row"])
                if sealed is not None:
                    pack.compare_decision(number, each, sealed)
                elif each["seal"] in known:
                    what = "is not among the decisions of the pack that holds its seal"
                    pack.fault("approvals.jsonl", number, what)
        if len({pack.fingerprint for pack in here}) > 1:
            faults.append((here[-1], Fault("manifest.json", 0, "is signed by another key")))
        for kind in ("day", "month"):
            row = sorted((p for p in here if p.period[0] == kind), key=lambda p: p.period)
            faults.extend(_gaps(row, registered))
    return faults


def _gaps(packs, registered):
    for before, pack in zip(packs, packs[1:]):  # noqa: B905, RUF007  Python 3.9
        if pack.period == before.period:
            continue
        for at, manifests in sorted(registered.items()):
            if at[0] == pack.period[0] and before.period < list(at) < pack.period:
                days = at[1] if at[1] == at[2] else f"{at[1]} to {at[2]}"
                line = min(line for _, line in manifests.values())
                what = f"line {line} of a ledger tells a pack of {days}, which is not here"
                yield pack, Fault("manifest.json", 0, what)
        end = before.manifest["ledger"]
        last = end["last_seal"] or (end["previous_seal"] or {"seal_no": 0})["seal_no"]
        begin = pack.manifest["ledger"]["previous_seal"] or {"seal_no": 0, "seal_hash": None}
        if begin["seal_no"] > last:
            gap = f"{last + 1} to {begin['seal_no']}"
            what = f"seals {gap} are missing between this pack and the one of {before.period[2]}"
            yield pack, Fault("seals.jsonl", 0, what)
        elif begin["seal_no"] == last and begin["seal_hash"] != end["last_hash"]:
            what = f"does not continue the pack of {before.period[2]}"
            yield pack, Fault("seals.jsonl", 1, what)
        if date.fromisoformat(pack.period[1]) > date.fromisoformat(before.period[2]) + timedelta(1):
            days = f"{before.period[2]} and {pack.period[1]}"
            pack.notes.append(f"no pack stands between {days}; the seals have no gap")


# Old mails -----------------------------------------------------------------------------------

TOLD = re.compile(
    r"lethe-(ledger-seal)\s+1\s+(\S+)\s+(\d+)\s+([0-9a-f]{64})"
    r"|lethe-(archive-head)\s+1\s+(\S+)\s+(\d+)\s+(\d+)\s+([0-9a-f]{64})"
    r"|lethe-(evidence-key)\s+1\s+(\S+)\s+([0-9a-f]{64})"
    r"|lethe-(evidence-pack)\s+1\s+(\S+)\s+(day|month)\s+(\S+)\s+(\S+)\s+([0-9a-f]{64})"
)


def read_witnesses(path, packs=()):
    """What old mails tell: a file, a mailbox, or a folder of them.

    packs    what lies in these folders is no witness: it would be compared with itself
    Returns  the lines for this program, and the SHA-256 of every file and attachment, with its name
    """
    texts, files = [], {}
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if not file.is_file() or any(pack in file.resolve().parents for pack in packs):
            continue
        data = file.read_bytes()
        files[sha256(data)] = file.name
        texts.append(data.decode("utf-8", "replace"))
        if "lethe-".encode("utf-16-le") in data:  # as Outlook saves a mail
            texts += [data[start:].decode("utf-16-le", "replace") for start in (0, 1)]
        for mail in re.split(rb"(?m)^From .*\r?\n", data):
            for part in email.message_from_bytes(mail).walk():
                plain = part.get_payload(decode=True) or b""
                if part.get_content_maintype() == "text" or plain.startswith(b"%PDF"):
                    texts.append(plain.decode("utf-8", "replace"))
                if part.get_filename():
                    files[sha256(plain)] = part.get_filename()
    texts += [re.sub(r"=3D", "=", re.sub(r"=\r?\n", "", text)) for text in texts]
    found = [[part for part in hit if part] for text in texts for hit in TOLD.findall(text)]
    return [list(each) for each in dict.fromkeys(map(tuple, found))], files


def why_silent(path, mails):
    """Why a witness could not be compared, and which file to give instead."""
    if mails:
        return f"{path}: tells nothing about what is checked here: other days, or another warehouse"
    what = f"{path}: holds no line to compare with (they begin 'lethe-')"
    files = [each for each in path.rglob("*") if each.is_file()] if path.is_dir() else [path]
    if any(each.read_bytes()[:5] == b"%PDF-" for each in files):
        what += (
            "; of a PDF only the report itself, unaltered as it came with the mail, can be read, "
            "no printed mail"
        )
    return f"{what}. Give the mail itself, saved as a file"


# The bundle of the archive -------------------------------------------------------------------


def canonical(text):
    value = json.loads(text)
    dumped = json.dumps(
        value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
    )
    if dumped != text:
        raise ValueError("not canonical")
    return value


def check_heads(bundle, key, faults):
    """Every head is signed, chained to the one before, and a beginning of the newest."""
    heads = []
    for number, head in enumerate(bundle["heads"], start=1):
        message, signature = head["message"].encode(), bytes.fromhex(head["signature"])
        said = canonical(head["message"])
        if said["head_no"] != number or said["warehouse_id"] != bundle["warehouse_id"]:
            faults.append(f"head {number}: missing, or of another warehouse")
        if not is_signed(key, signature, message):
            faults.append(f"head {number}: its signature is wrong")
        before = hashlib.sha256(b"\x00" + heads[-1][1]).digest() if heads else bytes(32)
        if said["previous_hash"] != before.hex():
            faults.append(f"head {number}: is not chained to the head before it")
        heads.append((said, message + signature, head))
    last = heads[-1][0]
    size, root = last["tree_size"], bytes.fromhex(last["root"])
    for said, _, head in heads:
        proof = nodes(head["consistency"])
        if not is_consistent(said["tree_size"], size, bytes.fromhex(said["root"]), root, proof):
            faults.append(f"head {said['head_no']}: is no beginning of the newest")
    return {said["head_no"]: said for said, _, _ in heads}, size, root


def check_records(lines, size, root, faults):
    """Every record is canonical, and its salted hash is a leaf of the tree."""
    seen = set()
    for line in lines:
        each = json.loads(line)
        number, record = each["leaf_no"], each["record"]
        try:
            canonical(record)
        except ValueError:
            faults.append(f"record {number}: is not canonical JSON")
        inner = hmac.new(bytes.fromhex(each["salt"]), record.encode(), hashlib.sha256).digest()
        leaf = hashlib.sha256(b"\x00" + inner).digest()
        if number in seen or not is_included(leaf, number, size, nodes(each["inclusion"]), root):
            faults.append(f"record {number}: is not the leaf that was signed")
        seen.add(number)
    return seen


def check_destroyed(lines, size, root, key, faults):
    """What is called destroyed is a leaf, and so is the signed statement that says so."""
    count = 0
    for line in lines:
        each = json.loads(line)
        text, signature = each["statement"].encode(), bytes.fromhex(each["signature"])
        number, said = each["leaf_no"], canonical(each["statement"])
        leaf = hashlib.sha256(b"\x00" + text + signature).digest()
        gone, proof = bytes.fromhex(said["gone_leaf"]), nodes(each["gone_inclusion"])
        if not (
            is_signed(key, signature, text)
            and (said["leaf_no"], said["gone_no"]) == (number, each["gone_no"])
            and is_included(leaf, number, size, nodes(each["inclusion"]), root)
            and is_included(gone, said["gone_no"], size, proof, root)
        ):
            faults.append(f"statement {number}: does not prove what it says")
        count += 1
    return count


def check_contents(bundle, key, size, root, files, faults):
    """What is in the bundle is what was signed: nothing was left out of it or put into it."""
    said = canonical(bundle["contents"])
    signature = bytes.fromhex(bundle["signature"])
    if not is_signed(key, signature, bundle["contents"].encode()):
        faults.append("contents: the signature of what the bundle holds is wrong")
    if said["format"] != "lethe-archive-bundle/1" or said["warehouse_id"] != bundle["warehouse_id"]:
        faults.append("contents: those of another bundle")
    if (said["tree_size"], said["root"]) != (size, root.hex()):
        faults.append("contents: the newest head is not the one that was exported")
    for name, text in files.items():
        lines, found = said["files"][name]["lines"], len(_lines(text))
        if lines != found:
            faults.append(f"{name}: {lines} were exported, {found} are here")
        elif said["files"][name]["sha256"] != sha256(text.encode()):
            faults.append(f"{name}: are not those that were exported")
    return said


def check_mails(mails, heads, bundle, faults):
    """Heads in old mails are those of the bundle."""
    found = [each[1:] for each in mails if each[0] == "archive-head"]
    for warehouse, number, size, root in found:
        said = heads.get(int(number))
        told = (warehouse, int(size), root)
        if said is None or told != (bundle["warehouse_id"], said["tree_size"], said["root"]):
            faults.append(f"head {number}: is not the one that the mail tells")
    return len(found)


BUNDLE = "lethe-archive-bundle/1"
IN_BUNDLE = ("verify.py", "records.jsonl", "destroyed.jsonl", "archive.json")
SAID = {"format", "warehouse_id", "public_key", "heads", "contents", "signature"}


def read_bundle(path):
    """The files of a bundle, zipped or unpacked; a folder may hold other things beside them."""
    if not path.is_dir():
        files = read_zip(path, IN_BUNDLE)
    else:
        files = {}
        for name in IN_BUNDLE:
            file = path / name
            if file.is_symlink() or (file.exists() and not file.is_file()):
                raise Fault(name, 0, "is a link or a device, not a file")
            if file.exists():
                files[name] = file.read_bytes()
    for name in IN_BUNDLE:
        if name not in files:
            raise Fault(name, 0, "is missing")
    return files


def read_about(data):
    """What a bundle says of itself: in the one form in which it is written, and nothing beside."""
    try:
        found = parse(data.decode("ascii"))
    except ValueError as error:
        raise Fault("archive.json", 0, f"was changed: {error}") from None
    hexes = [found["public_key"], found["signature"]]
    for head in found["heads"]:
        hexes += [head["signature"], *head["consistency"]]
    if (
        json.dumps(found, indent=1).encode() != data
        or found["format"] != BUNDLE
        or set(found) != SAID
        or any(set(head) != {"message", "signature", "consistency"} for head in found["heads"])
        or not all(re.fullmatch(r"(?:[0-9a-f]{2})*", text) for text in hexes)
    ):
        raise Fault("archive.json", 0, "was changed: it is not as it was written")
    return found


def verify_bundle(path, pinned=None, mails=()):
    """Check a bundle of the archive.

    mails    lines of old mails
    Returns  {"valid", "faults", "says", "compared_with", "told", "key"}, plain data
    """
    faults = []
    try:
        parts = read_bundle(path)
        bundle = read_about(parts["archive.json"])
        key = bytes.fromhex(bundle["public_key"])
        if pinned and pinned not in (key.hex(), sha256(key)):
            faults.append("the bundle names another public key than --key")
        heads, size, root = check_heads(bundle, key, faults)
        files = {name: parts[f"{name}.jsonl"].decode() for name in ("records", "destroyed")}
        contents = check_contents(bundle, key, size, root, files, faults)
        # Bundles of before 2026-11-23 do not say which program they came with.
        program = contents.get("program")
        if program and program != sha256(parts["verify.py"]):
            faults.append("verify.py: is not the program that was exported")
        records = check_records(_lines(files["records"]), size, root, faults)
        gone = check_destroyed(_lines(files["destroyed"]), size, root, key, faults)
        told = check_mails(mails, heads, bundle, faults)
    except (OSError, Fault, *UNREADABLE) as error:
        what = f"not a bundle that can be checked: {type(error).__name__}: {error}"
        if isinstance(error, Fault):
            what = str(error)
        return {"valid": False, "faults": [what], "compared_with": {}, "told": 0, "says": [what]}
    compared = {"key": int(bool(pinned)), "archive-head": told}
    compared = {name: count for name, count in compared.items() if count}
    says = list(faults)
    if not faults:
        opening = "verified" if compared else f"{ALONE}; verified"
        says.append(
            f"{opening}: {len(records)} records of documents issued from {contents['from']} to "
            f"{contents['to']}, {gone} lawfully destroyed, {len(heads)} heads, "
            f"tree of {size} leaves, root {root.hex()}"
            + (f", {told} heads of old mails" if told else "")
        )
        if not pinned:
            says.append(f"signed by {key.hex()}: compare this key with the one in an old mail")
    return {
        "valid": not faults,
        "faults": faults,
        "compared_with": compared,
        "told": told,
        "says": says,
    }


def _lines(text):
    return [line for line in text.split("\n") if line]


# What is asked -------------------------------------------------------------------------------


def verify_packs(paths, key=None, seal=None, mails=(), files=None):
    """Check packs, one by one and as a row.

    Returns  {"valid": …, "fault": the first, "compared_with": what from elsewhere and how often,
             "packs": [one entry a pack]}, plain data
    """
    packs = [Pack(Path(path)).check(key) for path in paths]
    told = 0
    for pack in packs:
        if not pack.faults:
            told += pack.compare(mails, files, key, seal)
    if len(packs) > 1 and not any(pack.faults for pack in packs):
        for pack, fault in check_succession(packs):
            pack.faults.append(fault)
    found = []
    for pack in packs:
        first = pack.first
        found.append(
            {
                "pack": str(pack.path),
                "valid": first is None,
                "fault": _as_data(first),
                "faults": [_as_data(fault) for fault in pack.faults],
                "notes": list(dict.fromkeys(map(printable, pack.notes))),
                "compared_with": pack.compared if first is None else {},
                "not_proven": pack.unproven if first is None else [],
                "says": printable(pack.say()) if first is None else str(first),
                "fingerprint": getattr(pack, "fingerprint", None),
                "manifest": pack.manifest if first is None else None,
            }
        )
    bad = [each for each in found if not each["valid"]]
    return {
        "valid": not bad,
        "fault": {"pack": bad[0]["pack"], **bad[0]["fault"]} if bad else None,
        "told": told,
        "compared_with": {
            name: sum(pack.compared.get(name, 0) for pack in packs)
            for name in COMPARED
            if any(name in pack.compared for pack in packs)
        },
        "pinned": key is not None or any(each[0] == "evidence-key" for each in mails),
        "packs": found,
    }


def _as_data(fault):
    if fault is None:
        return None
    return {"file": fault.file, "line": fault.line, "what": fault.what}


def clean_key(text):
    """A fingerprint or public key as people copy it."""
    plain = re.sub(r"[\s:]", "", text or "").lower()
    if text is not None and not re.fullmatch(r"[0-9a-f]{64}", plain):
        raise ValueError("a key or hash has 64 hexadecimal digits")
    return plain or None


def is_bundle(path):
    """Tell a bundle of the archive from an evidence pack."""
    if path.is_dir():
        return (path / "archive.json").exists() and not (path / "manifest.json").exists()
    try:
        with zipfile.ZipFile(path) as file:
            names = file.namelist()
    except (OSError, EOFError, RuntimeError, struct.error, zipfile.BadZipFile, ValueError):
        return False
    return "archive.json" in names and "manifest.json" not in names


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    here = Path(__file__).resolve().parent
    parser.add_argument("files", nargs="*", type=Path, default=[here], metavar="FILE OR FOLDER")
    parser.add_argument("--key", help="fingerprint of the key, or public key, in hexadecimal")
    parser.add_argument("--seal", help="hash of a seal of the ledger that you know")
    parser.add_argument("--heads", type=Path, metavar="MAILS", help="old mails: file or folder")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    asked = parser.parse_args()
    try:
        key, seal = clean_key(asked.key), clean_key(asked.seal)
        folders = [file.resolve() for file in asked.files if file.is_dir()]
        mails, files = read_witnesses(asked.heads, folders) if asked.heads else ([], {})
        for file in asked.files:
            if not file.exists():
                raise ValueError(f"{file} is not there")
    except (OSError, ValueError) as error:
        parser.error(str(error))
    if any(is_bundle(file) for file in asked.files):
        if len(asked.files) > 1:
            parser.error("check bundles of the archive one at a time")
        found = verify_bundle(asked.files[0], key, mails)
    else:
        found = verify_packs(asked.files, key, seal, mails, files)
    if asked.heads and found["valid"] and not found["told"]:
        parser.error(why_silent(asked.heads, mails))
    if asked.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        for line in tell(found):
            print(line)
    return 0 if found["valid"] else 1


def tell(found):
    """What was found, line by line, for people."""
    if "packs" not in found:
        yield from found["says"]
        return
    for each in found["packs"]:
        name = Path(each["pack"]).name
        yield f"{name}: {each['says']}" if each["valid"] else f"{name}: NOT VALID: {each['says']}"
        for note in each["notes"]:
            yield f"  note: {note}"
        if each["compared_with"]:
            told = (f"{COMPARED[name]} ({n})" for name, n in each["compared_with"].items())
            yield f"  compared with, from elsewhere: {', '.join(told)}"
        for what in each["not_proven"]:
            yield f"  not proven: {what}"
    if found["valid"] and not found["pinned"]:
        for fingerprint in sorted({each["fingerprint"] for each in found["packs"]}):
            yield f"signed by {fingerprint}: compare it with an old mail, or give it as --key"


if __name__ == "__main__":
    sys.exit(main())
