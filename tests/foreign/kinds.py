#!/usr/bin/env python3
"""Peers as the public has them: each exact on the wire, each with a habit or an expectation of its own.

Usage: kinds.py KIND PEER_ID, in the directory with Common.cfg and PeerInfo.cfg.
"""

import socket
import sys
import threading

from peer import BITFIELD, HAVE, HEADER, UNCHOKE, Neighbor, Peer, packed


class NeighborInParts(Neighbor):
    def write(self, *parts):
        for part in parts:
            self.sock.sendall(part)


class Closing(Peer):
    """Closes when the first message is not a bitfield."""

    def is_taken(self, neighbor, kind):
        if kind != BITFIELD:
            raise OSError("no bitfield")
        return True


class Swallowing(Peer):
    """Takes the first message for a bitfield, whatever it is."""

    def is_taken(self, neighbor, kind):
        return kind == BITFIELD


class Repeating(Peer):
    """Repeats its bitfield each second."""

    def greet(self, neighbor):
        super().greet(neighbor)

        def repeat():
            with self.lock:
                while not self.lock.wait_for(lambda: self.neighbors.get(neighbor.id) is not neighbor, timeout=1):
                    neighbor.send(BITFIELD, self.files.bitfield(self.pieces))

        threading.Thread(target=repeat, daemon=True).start()


class HaveFirst(Peer):
    """Sends a `have` before its bitfield, which comes when there is something to tell."""

    def greet(self, neighbor):
        neighbor.greeted = False
        if self.pieces:
            self.tell_have(neighbor, min(self.pieces))

    def tell_have(self, neighbor, piece):
        neighbor.send(HAVE, packed(piece))
        if not neighbor.greeted:
            neighbor.greeted = True
            neighbor.send(BITFIELD, self.files.bitfield(self.pieces))


class Type8(Peer):
    """Says "complete" with a message of its own."""

    def greet(self, neighbor):
        super().greet(neighbor)
        if self.pieces == self.all:
            self.tell_end(neighbor)

    def tell_end(self, neighbor):
        neighbor.send(8)


class Type8WithBody(Type8):
    def tell_end(self, neighbor):
        neighbor.send(8, packed(self.id))


class Nagle(Peer):
    """Leaves Nagle's algorithm on, and writes each message apart."""

    def prepare(self, sock):
        pass


class NagleInParts(Nagle):
    """Writes a message's length, its type and the rest apart, too."""

    neighbor_type = NeighborInParts


class ClosesOnce(Peer):
    """Closes after its first handshake with each neighbor, then behaves."""

    met = frozenset()

    def stays(self, ident):
        with self.lock:
            known, self.met = ident in self.met, self.met | {ident}
        return known


class ClosesAlways(Peer):
    def stays(self, ident):
        return False


class NthCaller(Peer):
    """Takes the n-th caller for the n-th line behind its own, and dies of one more."""

    callers = 0

    def tell_apart(self, ident, dialed):
        if dialed:
            return dialed
        with self.lock:
            self.callers += 1
            return self.ids[self.files.place + self.callers]

    def heed(self, neighbor, kind, payload):
        """Closes where both have the file, though others may not: nobody has a reason to call again."""
        super().heed(neighbor, kind, payload)
        for other in self.neighbors.values():
            if {self.id, other.id} <= self.complete:
                try:
                    other.sock.shutdown(socket.SHUT_WR)
                except OSError:
                    pass  # it was quicker


class NeverChokes(Peer):
    """Unchokes everybody at once."""

    def greet(self, neighbor):
        super().greet(neighbor)
        neighbor.choked_by_us = False
        neighbor.send(UNCHOKE)

    def chosen(self):
        return list(self.neighbors.values())


class NeverAsks(Peer):
    """Is interested and asks for nothing."""

    def choice(self, pieces):
        return None


class AsciiZeros(Peer):
    """Ten digits 0 in the handshake instead of ten zero bytes."""

    def hello(self):
        return HEADER + b"0" * 10 + packed(self.id)


class AsciiId(Peer):
    """Its ID as four digits."""

    def hello(self):
        return HEADER + bytes(10) + b"%04d" % self.id


class AsciiBoth(Peer):
    def hello(self):
        return HEADER + b"0" * 10 + b"%04d" % self.id


if __name__ == "__main__":
    globals()[sys.argv[1]](int(sys.argv[2])).run()
