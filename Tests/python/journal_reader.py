#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads an exported journal and prints one JSON object per transaction.

An independent reader: written from docs/FORMAT.md (sections 2 to 4) alone, with nothing but the
standard library, so that the document can be trusted. Usage: journal_reader.py FILE (or -).
Exit status: 0 complete and verified, 10 damaged (what was verified before has been printed).
"""

import base64
import hashlib
import json
import re
import struct
import sys
import zlib

HEADER_BYTES = 64
PAYLOAD_LIMIT = 1048576
TRANSACTION_LIMIT = 1073741824
HEADER_LIMIT = 2097152
VECTOR_LIMIT = 16384
PARTS_LIMIT = 4096
SEQUENCE_LIMIT = 4611686018427387904
DEPTH_LIMIT = 128
RESERVED_NAMES = {"_key", "_collection"}
UNDEFINED = object()


class Damage(Exception):
    """The bytes are not what docs/FORMAT.md describes."""


def check(condition, problem):
    if not condition:
        raise Damage(problem)


# CRC-32C


def crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ 0x82F63B78 if byte & 1 else byte >> 1
        table.append(byte)
    return table


CRC_TABLE = crc_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


# Section 2.1: deterministic CBOR


class Bytes(bytes):
    """A byte string, told apart from a text."""


class UUID(bytes):
    """A byte string under tag 37."""


class Reader:
    def __init__(self, data, start=0, end=None):
        self.data, self.position = data, start
        self.end = len(data) if end is None else end

    def take(self, count):
        check(count <= self.end - self.position, "the bytes end too early")
        self.position += count
        return self.data[self.position - count : self.position]

    def head(self):
        initial = self.take(1)[0]
        short = initial & 0x1F
        if short < 24 or initial >> 5 == 7:
            return initial, short
        check(short <= 27, "an item of indefinite or unknown length")
        size = 1 << short - 24
        argument = int.from_bytes(self.take(size), "big")
        least = 24 if size == 1 else 1 << size * 4
        check(argument >= least, "a number is not in its shortest form")
        return initial, argument

    def item(self, depth=0, key=False):
        """Any item that the format uses; a tag only where a key is expected."""
        initial, argument = self.head()
        major = initial >> 5
        if major == 0:
            return argument
        if major == 1:
            check(argument < 1 << 63, "a number below -2^63")
            return -1 - argument
        if major == 2:
            return Bytes(self.take(argument))
        if major == 3:
            try:
                return self.take(argument).decode("utf-8")
            except UnicodeDecodeError:
                raise Damage("a text is not UTF-8")
        if major == 4:
            check(depth < DEPTH_LIMIT, "nested too deeply")
            return [self.item(depth + 1) for _ in range(argument)]
        if major == 5:
            return self.map(argument, depth)
        if major == 6:
            check(key and argument == 37, "an unexpected tag")
            uuid = self.item()
            check(isinstance(uuid, Bytes) and len(uuid) == 16, "a UUID of other than 16 bytes")
            return UUID(uuid)
        return self.simple(initial)

    def map(self, count, depth):
        check(depth < DEPTH_LIMIT, "nested too deeply")
        result, previous = {}, b""
        for _ in range(count):
            start = self.position
            key = self.item(DEPTH_LIMIT)
            check(isinstance(key, (str, Bytes)), "a map key of another kind")
            encoded = self.data[start : self.position]
            check(encoded > previous, "map keys do not ascend")
            previous = encoded
            result[key] = self.item(depth + 1)
        return result

    def simple(self, initial):
        if initial in (0xF4, 0xF5):
            return initial == 0xF5
        if initial == 0xF6:
            return None
        if initial == 0xF7:
            return UNDEFINED
        formats = {0xF9: ">e", 0xFA: ">f", 0xFB: ">d"}
        check(initial in formats, "an item of unknown kind")
        layout = formats[initial]
        data = self.take(struct.calcsize(layout))
        (number,) = struct.unpack(layout, data)
        check(number - number == 0, "an infinite number or none")
        for shorter in (">e", ">f"):
            if struct.calcsize(shorter) < len(data):
                try:
                    again = struct.unpack(shorter, struct.pack(shorter, number))[0]
                except OverflowError:
                    continue
                same = struct.pack(">d", again) == struct.pack(">d", number)
                check(not same, "a float is not in its shortest form")
        return number

    def finish(self):
        check(self.position == self.end, "unexpected bytes follow")


def whole(item, least=0, most=(1 << 64) - 1):
    check(type(item) is int and least <= item <= most, "a whole number was expected")
    return item


def array(item, count=None):
    check(isinstance(item, list), "an array was expected")
    check(count is None or len(item) == count, "an array of another length")
    return item


def string(item, count):
    check(isinstance(item, Bytes) and len(item) == count, f"{count} bytes were expected")
    return bytes(item)


def text(item, least, most):
    check(isinstance(item, str), "a text was expected")
    check(least <= len(item.encode()) <= most, "a text is too long or too short")
    return item


def plain_value(value):
    """Refuses what a value may not hold: undefined, and map keys that are no texts."""
    if isinstance(value, list):
        for each in value:
            plain_value(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            check(isinstance(key, str), "a map key that is no text")
            plain_value(each)
    else:
        check(value is not UNDEFINED, "an undefined value")
    return value


# Section 2.2 and 2.3: vectors and transactions


def vector(item):
    check(isinstance(item, dict) and len(item) <= VECTOR_LIMIT, "a version vector was expected")
    return {string(key, 24): whole(value, 1, SEQUENCE_LIMIT) for key, value in item.items()}


class Transaction:
    def __init__(self, data):
        reader = Reader(data)
        header = array(reader.item())
        check(header and whole(header[0]) == 1, "a transaction of an unknown format")
        array(header, 8)
        self.origin = string(header[1], 24)
        self.sequence = whole(header[2], 1, SEQUENCE_LIMIT)
        self.timestamp = whole(header[3])
        self.dependencies = vector(header[4])
        check(self.origin not in self.dependencies, "a dependency on the origin itself")
        self.schema_epoch = whole(header[5])
        self.previous = string(header[6], 32)
        check((self.sequence == 1) == (self.previous == bytes(32)), "a wrong previous hash")
        length = reader.position
        check(length <= HEADER_LIMIT, "a header is too long")
        self.hash = hashlib.sha256(b"record-store transaction" + data[:length]).digest()
        self.operations = []
        check(len(array(header[7])) <= PARTS_LIMIT, "too many parts")
        self.read_parts(header[7], data, length)

    def read_parts(self, parts, data, start):
        previous = b""
        for part in parts:
            collection, count, length, digest = array(part, 4)
            text(collection, 1, 200)
            check(collection.encode() > previous, "collections do not ascend")
            previous = collection.encode()
            whole(count, 1, TRANSACTION_LIMIT)
            end = start + whole(length, 1, TRANSACTION_LIMIT)
            check(end <= len(data), "a part ends too early")
            found = hashlib.sha256(data[start:end]).digest()
            check(found == string(digest, 32), "a part differs from its digest")
            self.read_operations(collection, count, Reader(data, start, end))
            start = end
        check(start == len(data), "unexpected bytes follow the parts")

    def read_operations(self, collection, count, reader):
        initial, length = reader.head()
        check((initial >> 5, length) == (4, 2), "a part is no array of two")
        names = array(reader.item())
        encoded = [text(name, 0, 4096).encode() for name in names]
        check(all(a < b for a, b in zip(encoded, encoded[1:])), "field names do not ascend")
        check(not RESERVED_NAMES.intersection(names), "a reserved field name")
        initial, length = reader.head()
        check((initial >> 5, length) == (4, count), "another number of operations")
        used = set()
        for _ in range(count):
            self.operations.append(self.read_operation(collection, names, used, reader))
        reader.finish()
        check(len(used) == len(names), "a field name is not used")

    def read_operation(self, collection, names, used, reader):
        initial, length = reader.head()
        check(initial >> 5 == 4 and length >= 2, "an operation is no array")
        kind = whole(reader.item())
        check(kind in (1, 2), f"operation kind {kind} is unknown")
        key = self.key(reader.item(key=True))
        operation = {"collection": collection, "key": key}
        if kind == 2:
            check(length == 2, "a delete with fields")
            return {**operation, "kind": "delete"}
        check(length % 2 == 0, "a field without a value")
        fields, removed, previous = {}, [], -1
        for _ in range(length // 2 - 1):
            number = whole(reader.item(), previous + 1, len(names) - 1)
            previous = number
            used.add(number)
            value = reader.item()
            if value is UNDEFINED:
                removed.append(names[number])
            else:
                fields[names[number]] = plain_value(value)
        return {**operation, "kind": "patch", "fields": fields, "removed": removed}

    @staticmethod
    def key(item):
        if isinstance(item, UUID):
            digits = item.hex()
            groups = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
            return {"type": "uuid", "value": "-".join(groups)}
        if isinstance(item, str):
            return {"type": "text", "value": text(item, 0, 900)}
        return {"type": "integer", "value": whole(item, -(1 << 63), (1 << 63) - 1)}


# Section 4: JSON


def origin_text(origin):
    return origin[:16].hex() + "." + origin[16:].hex()


def time_text(milliseconds):
    days, rest = divmod(milliseconds, 86_400_000)
    year = 1970
    while True:
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        if days < 365 + leap:
            break
        days -= 365 + leap
        year += 1
    months = (31, 28 + leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    month = 0
    while days >= months[month]:
        days -= months[month]
        month += 1
    seconds, milliseconds = divmod(rest, 1000)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{milliseconds:03}"
    return f"{year:04}-{month + 1:02}-{days + 1:02}T{clock}Z"


def json_value(value):
    if isinstance(value, Bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, list):
        return [json_value(each) for each in value]
    if isinstance(value, dict):
        result = {key: json_value(each) for key, each in value.items()}
        return {"$map": result} if list(result) in (["$bytes"], ["$map"]) else result
    return value


def json_operation(operation):
    if "fields" in operation:
        fields = {name: json_value(value) for name, value in operation["fields"].items()}
        return {**operation, "fields": fields}
    return operation


def json_line(transaction):
    dependencies = sorted(transaction.dependencies.items())
    line = json.dumps(
        {
            "origin": origin_text(transaction.origin),
            "sequence": transaction.sequence,
            "timestamp": transaction.timestamp,
            "time": time_text(transaction.timestamp >> 16),
            "dependencies": {origin_text(origin): last for origin, last in dependencies},
            "schemaEpoch": transaction.schema_epoch,
            "hash": transaction.hash.hex(),
            "operations": [json_operation(each) for each in transaction.operations],
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )
    return re.sub("[\x7f-\x9f]", lambda match: f"\\u{ord(match.group()):04x}", line)


# Section 3: the stream


class Stream:
    def __init__(self, source):
        self.source = source
        self.digest = hashlib.sha256()
        self.frames = self.transactions = self.plain_bytes = 0
        self.store = None
        self.reached = {}
        self.heads = {}

    def read_exactly(self, count):
        data = self.source.read(count)
        check(len(data) == count, "the journal ends before its totals frame")
        return data

    def frame(self):
        head = self.read_exactly(HEADER_BYTES)
        values = struct.unpack("<8sHBBIQIIII8sQII", head)
        (magic, version, kind, codec, flags, number, plain_length, stored_length) = values[:8]
        (count, fragment, store, length, payload_sum, head_sum) = values[8:]
        check(crc32c(head[:60]) == head_sum, "a frame header does not match its checksum")
        check(magic == b"RSJOURNL", "no frame begins here")
        check(version == 1, f"format version {version}")
        check(1 <= kind <= 5 and codec <= 1 and flags == 0, "an unknown type, codec or flag")
        check(number == self.frames, "a frame is missing or repeated")
        check(plain_length <= PAYLOAD_LIMIT, "a payload is too long")
        short = stored_length < plain_length if codec else stored_length == plain_length
        check(short, "an impossible stored length")
        check(length <= TRANSACTION_LIMIT and (length > 0) == (kind in (3, 4)), "a wrong length")
        check((kind == 1) == (number == 0), "a frame of this type cannot stand here")
        check(self.store in (None, store), "a frame of another store")
        self.store = store
        stored = self.read_exactly(stored_length)
        check(crc32c(stored) == payload_sum, "a payload does not match its checksum")
        plain = self.expand(stored, plain_length) if codec else stored
        return kind, count, fragment, length, plain, head + stored

    @staticmethod
    def expand(stored, length):
        expander = zlib.decompressobj()
        try:
            plain = expander.decompress(stored, length + 1)
        except zlib.error as error:
            raise Damage(f"a payload does not expand: {error}")
        exact = expander.eof and not expander.unused_data and len(plain) == length
        check(exact, "a payload does not expand to its length")
        return plain

    def read(self):
        """Yields every transaction, and returns when the totals are verified."""
        fragments, announced = None, 0
        while True:
            kind, count, fragment, length, plain, raw = self.frame()
            check((fragments is None) or kind in (3, 4), "a transaction is not complete")
            complete = []
            if kind == 1:
                self.begin(plain)
            elif kind == 2:
                complete = self.batch(plain)
            elif kind == 3:
                if fragments is None:
                    fragments, announced = [], length
                check((len(fragments), announced) == (fragment, length), "a wrong fragment")
                check(plain, "an empty fragment")
                fragments.append(plain)
                check(sum(map(len, fragments)) <= announced, "too many fragments")
            elif kind == 4:
                check(fragments is not None, "a commit without fragments")
                check((len(fragments), announced) == (fragment, length), "a wrong commit")
                data, fragments = b"".join(fragments), None
                check(len(data) == announced, "fragments are missing")
                complete = [Transaction(data)]
                check(complete[0].hash == plain, "a transaction differs from its commit")
            else:
                check(count == 0, "transactions in the totals")
                return self.end(plain)
            check(count == len(complete), "another number of transactions")
            yield from self.follow(complete)
            self.frames += 1
            self.transactions += count
            self.plain_bytes += len(plain)
            self.digest.update(raw)

    def begin(self, plain):
        reader = Reader(plain)
        store, since = array(reader.item(), 2)
        reader.finish()
        check(string(store, 16)[:8] == self.store, "a frame of another store")
        self.reached = vector(since)

    @staticmethod
    def batch(plain):
        complete, start = [], 0
        while start < len(plain):
            check(len(plain) - start > 4, "a batch ends too early")
            (length,) = struct.unpack_from("<I", plain, start)
            start += 4
            check(length <= len(plain) - start, "a batch ends too early")
            complete.append(Transaction(plain[start : start + length]))
            start += length
        check(complete, "an empty batch")
        return complete

    def follow(self, transactions):
        """Checks that each transaction continues what is known of its origin."""
        for each in transactions:
            head = self.heads.get(each.origin)
            if head is not None:
                expected = (head.sequence + 1, head.hash)
                found = (each.sequence, each.previous)
                check(found == expected, "a transaction does not continue its origin's chain")
                check(each.timestamp > head.timestamp, "a timestamp does not rise")
            self.heads[each.origin] = each
            last = max(self.reached.get(each.origin, 0), each.sequence)
            self.reached[each.origin] = last
            yield each

    def end(self, plain):
        reader = Reader(plain)
        frames, transactions, plain_bytes, digest, reached = array(reader.item(), 5)
        reader.finish()
        counted = (self.frames, self.transactions, self.plain_bytes, self.digest.digest())
        claimed = (whole(frames), whole(transactions), whole(plain_bytes), string(digest, 32))
        check(claimed == counted and vector(reached) == self.reached, "the totals differ")
        check(not self.source.read(1), "bytes follow the totals frame")


def main(path):
    source = sys.stdin.buffer if path == "-" else open(path, "rb")
    try:
        for transaction in Stream(source).read():
            sys.stdout.buffer.write(json_line(transaction).encode() + b"\n")
    except Damage as damage:
        sys.stdout.flush()
        print(f"{path}: {damage}", file=sys.stderr)
        return 10
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: journal_reader.py FILE|-")
    sys.exit(main(sys.argv[1]))
