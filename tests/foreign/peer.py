"""A small peer of the course's protocol by somebody else: it knows nothing of ours. The kinds of kinds.py change lines of it.

A thread reads each connection and one chokes; what they share is guarded by one lock. A send under it does not block for
long, for files are small here. It ends when everybody has the file, first waiting for the others to close.
"""

import os
import random
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from wire import BITFIELD, CHOKE, HAVE, HEADER, INTERESTED, NOT_INTERESTED, PIECE, REQUEST, UNCHOKE  # noqa: E402
from wire import Files, Neighbor, messages, packed  # noqa: E402

PAUSE = 0.05  # between two calls of somebody who does not answer yet


class Peer:
    neighbor_type = Neighbor

    def __init__(self, ident):
        self.id = ident
        self.files = Files(ident)
        self.all, self.ids = self.files.all, self.files.ids
        self.pieces, self.data = self.files.load()
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
        neighbor.send(BITFIELD, self.files.bitfield(self.pieces))

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
        return random.sample(wanting, min(self.files.k + 1, len(wanting)))

    def choice(self, pieces):
        return random.choice(sorted(pieces)) if pieces else None

    # ---- Connections ----

    @property
    def is_over(self):
        return len(self.complete) == len(self.ids)

    def run(self):
        _, host, port = self.files.peers[self.files.place]
        listener = socket.create_server((host, port), backlog=64)
        print(f"listening on port {port}", file=sys.stderr, flush=True)
        earlier = [(self.dial, *peer) for peer in self.files.peers[: self.files.place]]
        for loop, *given in [(self.accept, listener), (self.choke,)] + earlier:
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

    def dial(self, ident, host, port):
        while not self.is_over and not {ident, self.id} <= self.complete:
            try:
                self.serve(socket.create_connection((host, port)), ident)
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
                for kind, payload in messages(stream):
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

    def heed(self, neighbor, kind, payload):
        number = int.from_bytes(payload[:4], "big")
        if kind in (CHOKE, UNCHOKE):
            neighbor.chokes_us, neighbor.asked = kind == CHOKE, None
        elif kind in (INTERESTED, NOT_INTERESTED):
            neighbor.wants_ours = kind == INTERESTED
        elif kind == HAVE:
            neighbor.pieces.add(number)
        elif kind == BITFIELD:
            neighbor.pieces |= self.files.pieces(payload)
        elif kind == REQUEST and not neighbor.choked_by_us:
            neighbor.send(PIECE, payload + self.data[self.files.span(number)])
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
        self.data[self.files.span(number)] = data
        self.pieces.add(number)
        if self.pieces == self.all:
            with open(self.files.path, "wb") as file:
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
                self.lock.wait_for(lambda: self.is_over, timeout=self.files.p)
                if self.is_over:
                    return
