"""What both foreign peers of the tests share: the course's files, and what is on the wire. It knows nothing of ours.

An author of a peer can begin with it: `Files` is what the configuration says, `messages` is what a connection tells, and
`Neighbor` is who is at its other end. When to say what is for the peers to decide.
"""

import struct

CHOKE, UNCHOKE, INTERESTED, NOT_INTERESTED, HAVE, BITFIELD, REQUEST, PIECE = range(8)
HEADER = b"P2PFILESHARINGPROJ"  # then come ten zero bytes and the ID


def packed(number):
    """Four bytes, as IDs, lengths and indexes have."""
    return struct.pack(">I", number)


def words(path):
    """The words of each line that has some."""
    with open(path) as file:
        return [line.split() for line in file if line.strip()]


class Files:
    """What Common.cfg and PeerInfo.cfg say to the peer with this ID."""

    def __init__(self, ident):
        common = dict(words("Common.cfg"))
        self.k = int(common["NumberOfPreferredNeighbors"])
        self.p, self.m = int(common["UnchokingInterval"]), int(common["OptimisticUnchokingInterval"])
        self.size, self.piece_size = int(common["FileSize"]), int(common["PieceSize"])
        self.path = f"peer_{ident}/{common['FileName']}"
        rows = words("PeerInfo.cfg")
        self.peers = [(int(row[0]), row[1], int(row[2])) for row in rows]
        self.ids = [peer[0] for peer in self.peers]
        self.place = self.ids.index(ident)
        self.all = set(range(-(-self.size // self.piece_size)))
        self.has_file = rows[self.place][3] == "1"

    def load(self):
        """The pieces that the peer starts with, and room for the whole file with those in it."""
        if not self.has_file:
            return set(), bytearray(self.size)
        with open(self.path, "rb") as file:
            return set(self.all), bytearray(file.read())

    def span(self, piece):
        """Where a piece is in the file; the last one may end early."""
        return slice(piece * self.piece_size, min((piece + 1) * self.piece_size, self.size))

    def bitfield(self, pieces):
        """The payload of a bitfield: the high bit first, the spare bits zero."""
        bits = bytearray(-(-len(self.all) // 8))
        for piece in pieces:
            bits[piece // 8] |= 0x80 >> piece % 8
        return bytes(bits)

    def pieces(self, bits):
        """The pieces that a bitfield tells of."""
        return {piece for piece in self.all if bits[piece // 8] & 0x80 >> piece % 8}


def messages(stream):
    """The type and payload of each message, until the other side closes."""
    while len(head := stream.read(5)) == 5:
        length, kind = struct.unpack(">IB", head)
        yield kind, stream.read(length - 1)


class Neighbor:
    """Who is at the other end of a connection, and how both sides stand."""

    def __init__(self, sock, ident):
        self.sock, self.id = sock, ident
        self.pieces = set()
        self.chokes_us, self.choked_by_us = True, True
        self.wants_ours, self.we_want = False, None  # None: not told yet
        self.asked = None  # the piece that we wait for
        self.received = 0  # bytes since the last choice

    def write(self, *parts):
        self.sock.sendall(b"".join(parts))

    def send(self, kind, payload=b""):
        try:
            self.write(packed(1 + len(payload)), bytes([kind]), payload)
        except OSError:
            pass  # its reader sees that too
