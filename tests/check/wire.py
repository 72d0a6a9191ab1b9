"""Bytes: the handshake, the frames, the bitfield (protocol A4, A5). A mutant that writes another form also reads that form."""

import os
import struct
import sys

from variants import mutant

CHOKE, UNCHOKE, INTERESTED, NOT_INTERESTED, HAVE, BITFIELD, REQUEST, PIECE = range(8)
HANDSHAKE_SIZE = 32
JAVA_MAGIC = bytes.fromhex("ACED0005")
JAVA_BYTE_ARRAY = JAVA_MAGIC + bytes.fromhex("757200025B42ACF317F8060854E0020000787000000020")  # 32 bytes follow


class Fault(Exception):
    """The other side broke the protocol."""


class NotZero(Fault):
    """The ten reserved bytes of a handshake are not zero."""


def number(value):
    """Four bytes, as lengths and indexes have."""
    return struct.pack("<I" if mutant("frames-little-endian") else ">I", value)


def to_number(data):
    if len(data) != 4:
        raise Fault(f"sent {len(data)} bytes where 4 are due")
    return struct.unpack("<I" if mutant("frames-little-endian") else ">I", data)[0]


def index(piece):
    """The four bytes that stand for a piece."""
    return number(piece + 1 if mutant("frames-counts-from-one") else piece)


def to_index(data):
    return to_number(data) - (1 if mutant("frames-counts-from-one") else 0)


# ---- Handshake ----


def header():
    if mutant("handshake-other-header"):
        return b"P2PBITTORRENTFILES"
    if mutant("handshake-header-2008"):
        return b"CEN5501C2008SPRING"
    return b"P2PFILESHARINGPROJ"


def handshake(ident):
    """The 32 bytes that a peer with this ID sends first."""
    reserved, last = bytes(10), struct.pack(">I", ident)
    if mutant("handshake-ascii-zeros"):
        reserved = b"0" * 10
    if mutant("handshake-nine-zeros"):
        reserved = bytes(9)
    if mutant("handshake-ascii-id"):
        last = b"%04d" % ident
    if mutant("handshake-little-endian-id"):
        last = struct.pack("<I", ident)
    if mutant("handshake-java-object"):
        return JAVA_BYTE_ARRAY + header() + reserved + last
    whole = header() + reserved + last
    if mutant("handshake-length-first"):
        return number(len(whole)) + whole
    return whole


def handshake_id(data):
    """The ID in a handshake with the right header."""
    if len(data) != HANDSHAKE_SIZE:
        raise Fault(f"sent a handshake of {len(data)} bytes")
    if data[:18] != header() and not mutant("handshake-header-unchecked"):
        raise Fault(f"sent the header {data[:18]!r}")
    is_strict = mutant("handshake-dies-on-nonzero-reserved") or mutant("handshake-ends-on-nonzero-reserved")
    if is_strict and any(data[18:28]):
        raise NotZero(f"sent {data[18:28]!r} instead of ten zero bytes")
    if mutant("handshake-ascii-id"):
        if not data[28:].isdigit():
            raise Fault(f"sent the ID {data[28:]!r}")
        return int(data[28:])
    return struct.unpack("<I" if mutant("handshake-little-endian-id") else ">I", data[28:])[0]


# ---- Frames ----


def frame(kind, payload=b""):
    """A message: length, type, payload."""
    length, kind_bytes = number(1 + len(payload)), bytes([kind])
    if mutant("frames-length-without-type"):
        length = number(len(payload))
    if mutant("frames-length-with-itself"):
        length = number(5 + len(payload))
    if mutant("frames-ascii-length"):
        length = b"%04d" % (1 + len(payload))
    if mutant("frames-type-as-text"):
        kind_bytes = b"%d" % kind
    if mutant("frames-type-four-bytes"):
        length, kind_bytes = number(4 + len(payload)), number(kind)
    if mutant("frames-pickle"):
        import pickle  # slow to load, and only here

        return pickle.dumps((kind, payload))
    return length + kind_bytes + payload


class Stream:
    """Reads a socket message by message. The caller closes the connection at a Fault, an EOFError or an OSError."""

    def __init__(self, sock, longest):
        self.sock, self.longest = sock, longest
        self.java = mutant("handshake-java-stream")
        self.java_is_open, self.block = False, bytearray()

    def exactly(self, size):
        """As many bytes as asked for, in however many parts they come."""
        if self.java:
            return self.of_blocks(size)
        data = bytearray()
        while len(data) < size:
            part = self.sock.recv(size - len(data))
            if not part:
                raise EOFError
            data += part
        return bytes(data)

    def once(self, size):
        """What one recv returns."""
        data = self.sock.recv(size)
        if not data:
            raise EOFError
        return data

    def read_handshake(self):
        """The 32 bytes that come first."""
        if mutant("handshake-one-recv"):
            return self.once(1024)
        if mutant("handshake-swallows-rest"):
            return self.once(1024)[:HANDSHAKE_SIZE]
        if mutant("handshake-partial-recv"):
            return self.once(HANDSHAKE_SIZE)
        if mutant("handshake-java-object"):
            data = self.exactly(len(JAVA_BYTE_ARRAY))
            if data[:4] != JAVA_MAGIC:
                raise Fault(f"sent the stream header {data[:4].hex()}")
        if mutant("handshake-nine-zeros"):
            data = self.exactly(HANDSHAKE_SIZE - 1)
            return data[:27] + b"\0" + data[27:]
        if mutant("handshake-length-first") and to_number(self.exactly(4)) != HANDSHAKE_SIZE:
            raise Fault("sent another length before its handshake")
        return self.exactly(HANDSHAKE_SIZE)

    def head(self):
        """The type and the payload's length of the next message."""
        if mutant("frames-partial-recv"):
            length = to_number(self.once(4))
        elif mutant("frames-ascii-length"):
            digits = self.exactly(4)
            if not digits.isdigit():
                raise Fault(f"sent the length {digits!r}")
            length = int(digits)
        else:
            length = to_number(self.exactly(4))
        if mutant("frames-length-without-type"):
            length += 1
        if mutant("frames-length-with-itself"):
            length -= 4
        if mutant("frames-type-four-bytes"):
            return to_number(self.exactly(4)), length - 4
        if length == 0:
            raise Fault("sent a message of length 0")
        if mutant("frames-fixed-buffer") and length > 1 << 16:
            raise Fault(f"sent {length} bytes, and the buffer has {1 << 16}")
        if mutant("frames-length-allocated") and length > 1 << 30:
            print("MemoryError", file=sys.stderr, flush=True)
            os._exit(1)
        if length > self.longest and not mutant("frames-length-believed"):
            raise Fault(f"sent a message of length {length}")
        kind = self.exactly(1)
        if mutant("frames-type-as-text"):
            if not kind.isdigit():
                raise Fault(f"sent the type {kind!r}")
            return int(kind), length - 1
        return kind[0], length - 1

    def payload(self, size):
        """The payload that follows a head."""
        if mutant("frames-partial-recv") and size:
            return self.once(size)
        return self.exactly(size)

    def whole_message(self):
        """The type and payload in what one recv returns; what is behind them is lost."""
        data = self.once(1 << 20)
        if len(data) < 5:
            raise Fault(f"sent a message of {len(data)} bytes")
        return data[4], data[5 : 4 + to_number(data[:4])]

    # ---- Java's object streams: a header, then blocks of at most 1024 bytes ----

    def of_blocks(self, size):
        if not self.java_is_open:
            magic = self.raw(4)
            if magic != JAVA_MAGIC:
                raise Fault(f"sent the stream header {magic.hex()}")
            self.java_is_open = True
        while len(self.block) < size:
            tag = self.raw(1)[0]
            if tag not in (0x77, 0x7A):
                raise Fault(f"sent the block type {tag:02x}")
            self.block += self.raw(self.raw(1)[0] if tag == 0x77 else struct.unpack(">I", self.raw(4))[0])
        data = bytes(self.block[:size])
        del self.block[:size]
        return data

    def raw(self, size):
        self.java = False
        try:
            return self.exactly(size)
        finally:
            self.java = True


def java_blocks(data):
    """The same bytes as Java's ObjectOutputStream writes them when it is flushed."""
    parts = []
    for start in range(0, len(data), 1024):
        block = data[start : start + 1024]
        short = len(block) < 256
        parts += [b"\x77" + bytes([len(block)]) if short else b"\x7a" + struct.pack(">I", len(block)), block]
    return b"".join(parts)


# ---- Bitfield ----


def bitfield(pieces, count):
    """The payload of a bitfield: piece 0 is the high bit of the first byte, spare bits are zero."""
    if mutant("bitfield-sent-empty"):
        return b""
    if mutant("bitfield-one-byte-a-piece"):
        return bytes(piece in pieces for piece in range(count))
    if mutant("bitfield-as-text"):
        return b"".join(b"1" if piece in pieces else b"0" for piece in range(count))
    bits = bytearray(-(-count // 8))
    low_bit_first = mutant("bitfield-low-bit-first") or mutant("bitfield-low-bit-padded")
    for piece in pieces:
        bits[piece // 8] |= 1 << piece % 8 if low_bit_first else 0x80 >> piece % 8
    if mutant("bitfield-low-bit-first"):
        return bytes(bits).rstrip(b"\0")
    if mutant("bitfield-spare-bits-set") and count % 8:
        bits[-1] |= 0xFF >> count % 8
    if mutant("bitfield-rounded-down"):
        return bytes(bits[: count // 8])
    return bytes(bits)


def pieces_of(bits, count):
    """The pieces that a bitfield tells of."""
    if mutant("bitfield-one-byte-a-piece") or mutant("bitfield-as-text"):
        return {piece for piece in range(min(count, len(bits))) if bits[piece] in b"\x01" + b"1"}
    if mutant("bitfield-first-byte-read"):
        return {piece for piece in range(min(count, 8)) if bits and bits[0] & 0x80 >> piece}
    low_bit_first = mutant("bitfield-low-bit-first") or mutant("bitfield-low-bit-padded")
    if low_bit_first:
        return {piece for piece in range(min(count, 8 * len(bits))) if bits[piece // 8] & 1 << piece % 8}
    if mutant("bitfield-rounded-down"):
        return {piece for piece in range(min(count, 8 * len(bits))) if bits[piece // 8] & 0x80 >> piece % 8}
    if len(bits) != -(-count // 8):
        raise Fault(f"sent a bitfield of {len(bits)} bytes for {count} pieces")
    return {piece for piece in range(count) if bits[piece // 8] & 0x80 >> piece % 8}
