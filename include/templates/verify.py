#!/usr/bin/env python3
"""Check a bundle of the archive, offline, with nothing but Python's own library.

    python verify.py [FOLDER OR ZIP] [--key PUBLIC_KEY_HEX] [--heads FILE]

Says which record, statement or head is not what it should be, and exits 1; exits 0 if everything
is as it was signed. Take --key from somewhere else than the bundle (an old mail, the DPO): a
signature proves only that the owner of that key made it.
"""

import argparse
import hashlib
import hmac
import json
import re
import sys
import zipfile
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


# The bundle ----------------------------------------------------------------------------------


def nodes(texts):
    return [bytes.fromhex(text) for text in texts]


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


def check_mails(text, heads, bundle, faults):
    """Heads in old mails are those of the bundle."""
    line = r"lethe-archive-head\s+1\s+(\S+)\s+(\d+)\s+(\d+)\s+([0-9a-f]{64})"
    found = re.findall(line, text)
    for warehouse, number, size, root in found:
        said = heads.get(int(number))
        told = (warehouse, int(size), root)
        if said is None or told != (bundle["warehouse_id"], said["tree_size"], said["root"]):
            faults.append(f"head {number}: is not the one that the mail tells")
    return len(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    here = Path(__file__).resolve().parent
    parser.add_argument("bundle", nargs="?", type=Path, default=here)
    parser.add_argument("--key", help="public key of the archive, in hexadecimal")
    parser.add_argument("--heads", type=Path, help="old mails with heads in them")
    asked = parser.parse_args()

    def read(name):
        if asked.bundle.is_dir():
            return (asked.bundle / name).read_text(encoding="utf-8")
        with zipfile.ZipFile(asked.bundle) as archive:
            return archive.read(name).decode("utf-8")

    faults = []
    try:
        bundle = json.loads(read("archive.json"))
        key = bytes.fromhex(asked.key or bundle["public_key"])
        if asked.key and bundle["public_key"] != asked.key.lower():
            faults.append("the bundle names another public key than --key")
        heads, size, root = check_heads(bundle, key, faults)
        records = check_records(_lines(read("records.jsonl")), size, root, faults)
        if len(records) != bundle["records"]:
            faults.append(f"records: {bundle['records']} were exported, {len(records)} are here")
        gone = check_destroyed(_lines(read("destroyed.jsonl")), size, root, key, faults)
        told = check_mails(asked.heads.read_text(), heads, bundle, faults) if asked.heads else 0
    except (OSError, KeyError, TypeError, ValueError, IndexError, zipfile.BadZipFile) as error:
        print(f"not a bundle that can be checked: {type(error).__name__}: {error}")
        return 1
    for fault in faults:
        print(fault)
    if not faults:
        print(
            f"verified: {len(records)} records, {gone} lawfully destroyed, {len(heads)} heads, "
            f"tree of {size} leaves, root {root.hex()}"
            + (f", {told} heads of old mails" if asked.heads else "")
        )
        if not asked.key:
            print(f"signed by {key.hex()}: compare this key with the one in an old mail")
    return 1 if faults else 0


def _lines(text):
    return [line for line in text.split("\n") if line]


if __name__ == "__main__":
    sys.exit(main())
