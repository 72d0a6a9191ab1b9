#!/usr/bin/env python3
"""A peer of the course's protocol by somebody else, to see how `swarm` gets on with one: it knows nothing of ours.

Usage: foreign_peer.py PEER_ID, in the directory with Common.cfg and PeerInfo.cfg. It talks on stdout, and its log has brackets,
blanks and times of its own. For tests of what happens in the middle: with HOLD_AFTER=N in the environment it gives N pieces
away, and the next one only when there is a file called `go`. With LOG in the environment it writes its log there, and with
APPEND behind what is there already.

One thread reads each connection and two choke; all that they share is guarded by one lock. A send under it cannot block for
ever: on each connection there is one request under way each way at most, which the system's buffers hold.
"""

import os
import random
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from wire import BITFIELD, CHOKE, HAVE, HEADER, INTERESTED, NOT_INTERESTED, PIECE, REQUEST, UNCHOKE  # noqa: E402
from wire import Files, Neighbor, messages, packed  # noqa: E402


class Peer:
    def __init__(self, ident):
        self.id = ident
        self.files = Files(ident)
        self.all = self.files.all
        self.pieces, self.data = self.files.load()
        os.makedirs(f"peer_{ident}", exist_ok=True)
        log_path = os.environ.get("LOG", f"log_peer_{ident}.log")
        os.makedirs(os.path.dirname(log_path) or ".", exist_ok=True)
        self.log_file = open(log_path, "a" if "APPEND" in os.environ else "w")
        self.lock = threading.Condition(threading.RLock())
        self.neighbors, self.preferred, self.optimistic = {}, set(), None
        # Who has everything stays so when it goes away.
        self.complete = {ident} if self.pieces == self.all else set()
        self.given, self.hold_after = 0, int(os.environ.get("HOLD_AFTER", "-1"))

    def log(self, text):
        self.log_file.write(time.strftime("%d/%b/%Y %I:%M:%S %p") + f" - Peer [{self.id}] {text}\n")
        self.log_file.flush()

    @property
    def is_over(self):
        return len(self.complete) == len(self.files.peers)

    def run(self):
        place = self.files.place
        listener = socket.create_server(("", self.files.peers[place][2]))
        print("Hello, this is peer", self.id, "with", len(self.pieces), "pieces", flush=True)
        loops = [(self.accept, listener), (self.every, self.files.p, self.choose), (self.every, self.files.m, self.choose_optimistic)]
        for loop, *given in loops + [(self.dial, *peer) for peer in self.files.peers[:place]]:
            threading.Thread(target=loop, args=given, daemon=True).start()
        with self.lock:
            self.lock.wait_for(lambda: self.is_over)
            for neighbor in self.neighbors.values():
                try:
                    neighbor.sock.shutdown(socket.SHUT_WR)
                except OSError:
                    pass  # it was quicker
            # What still comes is read, so that nobody's last words are lost.
            self.lock.wait_for(lambda: not self.neighbors, timeout=5)
        print("Everybody has everything. Bye!", flush=True)

    def accept(self, listener):
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=self.serve, args=(sock, None), daemon=True).start()

    def dial(self, ident, host, port):
        while not self.is_over:
            try:
                self.serve(socket.create_connection((host, port)), ident)
            except OSError:
                time.sleep(0.1)  # not there yet, or gone

    def every(self, secs, choose):
        while True:
            with self.lock:
                self.lock.wait_for(lambda: any(neighbor.wants_ours for neighbor in self.neighbors.values()))
                choose()
            time.sleep(secs)

    def serve(self, sock, dialed):
        """Reads a connection to its end."""
        with sock, sock.makefile("rb") as stream:
            neighbor = None
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.sendall(HEADER + bytes(10) + packed(self.id))
                hello = stream.read(32)
                ident = int.from_bytes(hello[28:], "big")
                known = any(ident == other for other, _, _ in self.files.peers) and ident != self.id
                if hello[:28] != HEADER + bytes(10) or not known or dialed not in (None, ident) or self.is_over:
                    return
                neighbor = self.meet(sock, ident, dialed)
                for kind, payload in messages(stream):
                    self.hold(kind)
                    with self.lock:
                        self.heed(neighbor, kind, payload)
            except OSError:
                pass
            finally:
                with self.lock:
                    if neighbor and self.neighbors.get(neighbor.id) is neighbor:
                        del self.neighbors[neighbor.id]
                        self.preferred.discard(neighbor.id)
                        self.ask_all()
                    self.lock.notify_all()

    def meet(self, sock, ident, dialed):
        with self.lock:
            self.log(f"makes a connection to Peer [{ident}]." if dialed else f"is connected from Peer [{ident}].")
            neighbor = self.neighbors[ident] = Neighbor(sock, ident)
            if self.pieces:
                neighbor.send(BITFIELD, self.files.bitfield(self.pieces))
            return neighbor

    def hold(self, kind):
        if kind == REQUEST and self.hold_after >= 0:
            self.given += 1
            while self.given > self.hold_after and not os.path.exists("go"):
                time.sleep(0.02)

    def heed(self, neighbor, kind, payload):
        number = int.from_bytes(payload[:4], "big")
        if kind in (CHOKE, UNCHOKE):
            neighbor.chokes_us, neighbor.asked = kind == CHOKE, None
            self.log(f"is {'choked' if kind == CHOKE else 'unchoked'} by [{neighbor.id}].")
        elif kind in (INTERESTED, NOT_INTERESTED):
            neighbor.wants_ours = kind == INTERESTED
            self.log(f"received the {'' if neighbor.wants_ours else 'not '}interested message from [{neighbor.id}].")
        elif kind == HAVE:
            neighbor.pieces.add(number)
            self.log(f"received the have message from [{neighbor.id}] for the piece [{number}].")
        elif kind == BITFIELD:
            neighbor.pieces = self.files.pieces(payload)
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
        neighbor.received += len(data)
        if number in self.pieces:
            return
        self.data[self.files.span(number)] = data
        self.pieces.add(number)
        if self.pieces == self.all:
            with open(self.files.path, "wb") as file:
                file.write(self.data)
        count = len(self.pieces)
        self.log(f"has downloaded the piece [{number}] from [{neighbor.id}]. Now the number of pieces it has is : [{count}]")
        for other in self.neighbors.values():
            other.send(HAVE, packed(number))
        if self.pieces == self.all:
            self.complete.add(self.id)
            self.log("has downloaded the complete file !")
            print("I have it all :-)", flush=True)

    def ask_all(self):
        """Asks each neighbor that unchokes us, and has answered, for one piece that nobody was asked for."""
        for neighbor in self.neighbors.values():
            asked = {other.asked for other in self.neighbors.values()}
            open_pieces = neighbor.pieces - self.pieces - asked
            if not neighbor.chokes_us and neighbor.asked is None and open_pieces:
                neighbor.asked = random.choice(sorted(open_pieces))
                neighbor.send(REQUEST, packed(neighbor.asked))

    def choose(self):
        wanting = [neighbor for neighbor in self.neighbors.values() if neighbor.wants_ours]
        random.shuffle(wanting)
        if self.pieces != self.all:
            wanting.sort(key=lambda neighbor: -neighbor.received)
        chosen = {neighbor.id for neighbor in wanting[: self.files.k]}
        if chosen != self.preferred and chosen:
            self.log(f"has the preferred neighbors [{', '.join(map(str, sorted(chosen)))}].")
        self.preferred = chosen
        for neighbor in self.neighbors.values():
            neighbor.received = 0
        self.choke()

    def choose_optimistic(self):
        choked = [neighbor for neighbor in self.neighbors.values() if neighbor.wants_ours and neighbor.choked_by_us]
        if choked:
            self.optimistic = random.choice(choked).id
            self.log(f"has the optimistically unchoked neighbor [{self.optimistic}].")
        self.choke()

    def choke(self):
        for neighbor in self.neighbors.values():
            choked = neighbor.id not in self.preferred and neighbor.id != self.optimistic
            if choked != neighbor.choked_by_us:
                neighbor.choked_by_us = choked
                neighbor.send(CHOKE if choked else UNCHOKE)


if __name__ == "__main__":
    Peer(int(sys.argv[1])).run()
    # Python's own end may crash while other threads still run. All that was written is flushed.
    os._exit(0)
