"""A small peer of the course's protocol by somebody else: it knows nothing of ours. The kinds of kinds.py change lines of it.

A thread reads each connection and one chokes; what they share is guarded by one lock. A send under it does not block for
long, for files are small here. It ends when everybody has the file, first waiting for the others to close.
"""

import os
import random
import socket
import struct
import sys
import threading

CHOKE, UNCHOKE, INTERESTED, NOT_INTERESTED, HAVE, BITFIELD, REQUEST, PIECE = range(8)
HEADER = b"P2PFILESHARINGPROJ"
PAUSE = 0.05  # between two calls of somebody who does not answer yet


def packed(number):
    return struct.pack(">I", number)


class Neighbor:
    def __init__(self, sock, ident):
        self.sock, self.id = sock, ident
        self.pieces = set()
        self.chokes_us, self.choked_by_us, self.wants_ours, self.we_want = True, True, False, None
        self.asked = None  # the piece that we wait for

    def write(self, *parts):
        self.sock.sendall(b"".join(parts))

    def send(self, kind, payload=b""):
        try:
            self.write(packed(1 + len(payload)), bytes([kind]), payload)
        except OSError:
            pass  # its reader sees that too


class Peer:
    neighbor_type = Neighbor

    def __init__(self, ident):
        self.id = ident
        common = dict(line.split() for line in open("Common.cfg"))
        self.k, self.p = int(common["NumberOfPreferredNeighbors"]), int(common["UnchokingInterval"])
        self.size, self.piece_size = int(common["FileSize"]), int(common["PieceSize"])
        self.path = f"peer_{ident}/{common['FileName']}"
        self.rows = [line.split() for line in open("PeerInfo.cfg")]
        self.ids = [int(row[0]) for row in self.rows]
        self.place = self.ids.index(ident)
        self.all = set(range(-(-self.size // self.piece_size)))
        self.pieces, self.data = set(), bytearray(self.size)
        if self.rows[self.place][3] == "1":
            self.pieces, self.data = set(self.all), bytearray(open(self.path, "rb").read())
        self.lock = threading.Condition(threading.RLock())
        self.neighbors, self.complete = {}, {ident} if self.pieces == self.all else set()

    # ---- What kinds change ----

    def hello(self):
        return HEADER + bytes(10) + packed(self.id)

    def prepare(self, sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def tell_apart(self, ident, dialed):
        """Who is at the other end, by its handshake's ID."""
        return ident

    def stays(self, ident):
        """Whether the connection is kept after the handshakes."""
        return True

    def greet(self, neighbor):
        neighbor.send(BITFIELD, self.bitfield())

    def is_taken(self, neighbor, kind):
        """Whether the first message is taken for what it is."""
        return True

    def tell_have(self, neighbor, piece):
        neighbor.send(HAVE, packed(piece))

    def tell_end(self, neighbor):
        """When we have the file."""

    def chosen(self):
        """Who is unchoked from now on."""
        wanting = [neighbor for neighbor in self.neighbors.values() if neighbor.wants_ours]
        return random.sample(wanting, min(self.k + 1, len(wanting)))

    def choice(self, pieces):
        return random.choice(sorted(pieces)) if pieces else None

    # ---- Connections ----

    @property
    def is_over(self):
        return len(self.complete) == len(self.ids)

    def run(self):
        _, host, port, _ = self.rows[self.place]
        listener = socket.create_server((host, int(port)), backlog=64)
        print(f"listening on port {port}", file=sys.stderr, flush=True)
        for loop, *given in [(self.accept, listener), (self.choke,)] + [(self.dial, row) for row in self.rows[: self.place]]:
            threading.Thread(target=self.guarded, args=(loop, *given), daemon=True).start()
        with self.lock:
            self.lock.wait_for(lambda: self.is_over)
            for neighbor in self.neighbors.values():
                try:
                    neighbor.sock.shutdown(socket.SHUT_WR)
                except OSError:
                    pass  # it was quicker
            self.lock.wait_for(lambda: not self.neighbors, timeout=10)

    def guarded(self, loop, *given):
        """Whatever goes wrong in a thread ends the program, as it would that of somebody with one thread."""
        try:
            loop(*given)
        except Exception as error:
            print(f"died of {error!r}", file=sys.stderr, flush=True)
            os._exit(3)

    def accept(self, listener):
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=self.guarded, args=(self.serve, sock, None), daemon=True).start()

    def dial(self, row):
        ident = int(row[0])
        while not self.is_over and not {ident, self.id} <= self.complete:
            try:
                self.serve(socket.create_connection((row[1], int(row[2]))), ident)
            except OSError:
                pass  # not there yet
            with self.lock:
                self.lock.wait_for(lambda: self.is_over, timeout=PAUSE)

    def serve(self, sock, dialed):
        """Reads a connection to its end."""
        with sock, sock.makefile("rb") as stream:
            neighbor = None
            try:
                self.prepare(sock)
                sock.sendall(self.hello())
                hello = stream.read(32)
                if len(hello) < 32:
                    return
                digits = hello[28:]
                ident = self.tell_apart(int(digits) if digits.isdigit() else int.from_bytes(digits, "big"), dialed)
                if not self.stays(ident):
                    return
                with self.lock:
                    neighbor = self.neighbors[ident] = self.neighbor_type(sock, ident)
                    self.greet(neighbor)
                print(f"connection with {ident}", file=sys.stderr, flush=True)
                is_first = True
                while len(head := stream.read(5)) == 5:
                    length, kind = struct.unpack(">IB", head)
                    payload = stream.read(length - 1)
                    with self.lock:
                        if not is_first or self.is_taken(neighbor, kind):
                            self.heed(neighbor, kind, payload)
                    is_first = False
            except OSError:
                pass
            finally:
                with self.lock:
                    if neighbor and self.neighbors.get(neighbor.id) is neighbor:
                        del self.neighbors[neighbor.id]
                        self.ask_all()
                    self.lock.notify_all()

    # ---- The rules ----

    def bitfield(self):
        bits = bytearray(-(-len(self.all) // 8))
        for piece in self.pieces:
            bits[piece // 8] |= 0x80 >> piece % 8
        return bytes(bits)

    def heed(self, neighbor, kind, payload):
        number = int.from_bytes(payload[:4], "big")
        if kind in (CHOKE, UNCHOKE):
            neighbor.chokes_us, neighbor.asked = kind == CHOKE, None
        elif kind in (INTERESTED, NOT_INTERESTED):
            neighbor.wants_ours = kind == INTERESTED
        elif kind == HAVE:
            neighbor.pieces.add(number)
        elif kind == BITFIELD:
            neighbor.pieces |= {piece for piece in self.all if payload[piece // 8] & 0x80 >> piece % 8}
        elif kind == REQUEST and not neighbor.choked_by_us:
            neighbor.send(PIECE, payload + self.data[number * self.piece_size : (number + 1) * self.piece_size])
        elif kind == PIECE:
            self.take(neighbor, number, payload[4:])
        if neighbor.pieces == self.all:
            self.complete.add(neighbor.id)
        for other in self.neighbors.values():
            want = bool(other.pieces - self.pieces)
            if want != other.we_want and (want or other.we_want is not None or kind in (BITFIELD, HAVE)):
                other.we_want = want
                other.send(INTERESTED if want else NOT_INTERESTED)
        self.ask_all()
        self.lock.notify_all()

    def take(self, neighbor, number, data):
        neighbor.asked = None
        if number in self.pieces:
            return
        self.data[number * self.piece_size : number * self.piece_size + len(data)] = data
        self.pieces.add(number)
        if self.pieces == self.all:
            with open(self.path, "wb") as file:
                file.write(self.data)
        for other in self.neighbors.values():
            self.tell_have(other, number)
        if self.pieces == self.all:
            self.complete.add(self.id)
            for other in self.neighbors.values():
                self.tell_end(other)

    def ask_all(self):
        """Asks each neighbor that unchokes us, and has answered, for one piece that nobody was asked for."""
        for neighbor in self.neighbors.values():
            asked = {other.asked for other in self.neighbors.values()}
            if not neighbor.chokes_us and neighbor.asked is None:
                neighbor.asked = self.choice(neighbor.pieces - self.pieces - asked)
                if neighbor.asked is not None:
                    neighbor.send(REQUEST, packed(neighbor.asked))

    def choke(self):
        """Selects every p seconds, first when somebody is interested."""
        with self.lock:
            self.lock.wait_for(lambda: any(neighbor.wants_ours for neighbor in self.neighbors.values()))
            while True:
                chosen = self.chosen()
                for neighbor in self.neighbors.values():
                    if (neighbor not in chosen) != neighbor.choked_by_us:
                        neighbor.choked_by_us = neighbor not in chosen
                        neighbor.send(CHOKE if neighbor.choked_by_us else UNCHOKE)
                self.lock.wait_for(lambda: self.is_over, timeout=self.p)
                if self.is_over:
                    return
