"""A peer of the course's protocol that is correct, or wrong in exactly one way. It knows nothing of ours.

    python3 peer.py ID [--free NAME,NAME] [--mutant NAME]      or PEER_FREE and PEER_MUTANT in the environment
    python3 peer.py --list

It runs in a directory with Common.cfg, PeerInfo.cfg and, for a seeder, peer_ID/FILE. Its deviations stand beside the
correct lines, as `if mutant("...")`; what the text leaves open stands there as `if free("...")`. See variants.py.

Threads: a listener, a dialer for each earlier line, a reader and a writer for each neighbor, a clock for the choices, and
one for requests without an answer. One lock guards all they share; nobody sends while holding it, `Neighbor.send` queues.
"""

import os
import random
import signal
import socket
import sys
import threading
import time

sys.dont_write_bytecode = True

import variants  # noqa: E402
import wire  # noqa: E402
from choking import Choking  # noqa: E402
from files import Config, Copy, Log  # noqa: E402
from neighbor import Neighbor  # noqa: E402
from variants import free, mutant  # noqa: E402
from wire import BITFIELD, CHOKE, HAVE, INTERESTED, NOT_INTERESTED, PIECE, REQUEST, UNCHOKE, Fault, Stream  # noqa: E402

HANDSHAKE_SECS = 5  # a caller that says nothing is closed after this time
ANSWER_SECS = 3  # a request without an answer is free for others after this time
LAST_READ_SECS = 5  # how long the end waits for the others to close
FIRST_CHOICE_SECS = 0.02  # those that become interested in the same moment take part


class Peer:
    def __init__(self, ident):
        self.id = ident
        self.config = Config(ident)
        self.log = Log(ident)
        self.copy = Copy(self.config, ident)
        self.first_pieces = set(self.copy.pieces)
        self.lock = threading.Condition(threading.RLock())
        self.neighbors = {}  # by ID, those with a connection that stands
        self.readers = []
        self.asked = {}  # each piece that is asked for, and the neighbor that was asked
        self.complete = {ident} if self.copy.is_complete else set()
        self.choking = Choking(self)
        self.clock_begins = time.monotonic() if free("clock-from-start") else None
        self.is_over = False

    # ---- Threads ----

    def run(self):
        if free("starts-late"):
            time.sleep(0.5)
        _, port = self.config.addresses[self.id]
        listener = socket.create_server(("", port), backlog=64)
        print(f"Peer {self.id} listens on port {port}", file=sys.stderr, flush=True)
        dialed = list(self.config.earlier)
        if mutant("start-dials-all"):
            dialed = [other for other in self.config.ids if other != self.id]
        if mutant("start-dials-one-before"):
            dialed = dialed[-1:]
        if free("dials-backwards"):
            dialed.reverse()
        self.start(self.accept_all, listener)
        for other in dialed:
            self.start(self.dial, other)
        self.start(self.tick_all)
        self.start(self.free_unanswered)
        if mutant("bitfield-repeated"):
            self.start(self.repeat_bitfield)
        with self.lock:
            self.lock.wait_for(lambda: self.is_over)
        return self.end(listener)

    def start(self, body, *given):
        thread = threading.Thread(target=body, args=given, daemon=True)
        thread.start()
        return thread

    def accept_all(self, listener):
        """The listener thread: a reader for each caller, so that a silent one holds nobody up."""
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return  # closed at the end
            if mutant("handshake-stranger-ends-listener") or mutant("handshake-stranger-blocks-listener"):
                served = threading.Event()
                self.readers.append(self.start(self.serve, sock, None, served))
                served.wait()
                if mutant("handshake-stranger-ends-listener") and not served.is_welcome:
                    print("Exception in thread listener", file=sys.stderr, flush=True)
                    return
                continue
            self.readers.append(self.start(self.serve, sock, None))

    def dial(self, other):
        """A dialer thread: calls again and again until the neighbor is there, and again when it is lost."""
        pause = 0.05
        while not self.is_over:
            try:
                sock = socket.create_connection(self.config.addresses[other], timeout=HANDSHAKE_SECS)
            except OSError as error:
                print(f"Peer {other} does not answer yet: {error}", file=sys.stderr, flush=True)
                if mutant("start-dials-once"):
                    return
                sock = None
            if sock and self.serve(sock, other):
                pause = 0.05
            if self.copy.is_complete and other in self.complete:
                return
            with self.lock:
                self.lock.wait_for(lambda: self.is_over, pause)
            pause = min(2 * pause, 1)

    def tick_all(self):
        """The clock: both choices, each with its own period, from the first interested neighbor (protocol B)."""
        with self.lock:
            self.lock.wait_for(lambda: self.clock_begins or self.is_over)
            if self.is_over:
                return
            p, m = self.config.p, self.config.m
            if mutant("choking-optimistic-each-p"):
                m = p
            at_once = not (free("first-selection-after-p") or free("clock-from-start"))
            first_p, first_m = (FIRST_CHOICE_SECS,) * 2 if at_once else (p, m)
            ticks = [
                [self.clock_begins + first_p, p, self.choking.choose_preferred],
                [self.clock_begins + first_m, m, self.choking.choose_optimistic],
            ]
            while not self.is_over:
                tick = min(ticks, key=lambda tick: tick[0])
                due, period, choose = tick
                pause = due - time.monotonic()
                if pause > 0:
                    self.lock.wait_for(lambda: self.is_over, pause)
                    continue
                choose()
                tick[0] = due + period
                if mutant("choking-interval-drifts"):
                    tick[0] = time.monotonic() + period + 0.15

    def free_unanswered(self):
        """Frees each request that got no answer in time; its piece is then free for all."""
        with self.lock:
            while not self.lock.wait_for(lambda: self.is_over, 0.2):
                if mutant("requests-stuck-without-answer"):
                    continue
                late = time.monotonic() - ANSWER_SECS
                for neighbor in list(self.neighbors.values()):
                    for piece in [piece for piece, asked_at in neighbor.asked.items() if asked_at < late]:
                        self.free_request(neighbor, piece)
                self.ask_all()

    def repeat_bitfield(self):
        with self.lock:
            while not self.lock.wait_for(lambda: self.is_over, 1):
                for neighbor in self.neighbors.values():
                    self.send_bitfield(neighbor, self.copy.pieces)

    # ---- One connection ----

    def serve(self, sock, dialed, served=None):
        """The reader of one connection, dialed or accepted (None); returns whether it was a neighbor."""
        neighbor, welcome = None, False
        stream = Stream(sock, 64 + max(self.config.piece_size, self.config.piece_count))
        try:
            ident, greeted = self.shake_hands(sock, stream, dialed)
            neighbor = self.join(ident, sock, dialed, greeted)
            welcome = True
        except (Fault, OSError, EOFError) as error:
            print(f"{self.name_of(dialed)} was turned away: {error or 'it closed'}", file=sys.stderr, flush=True)
            sock.close()
        if served:
            served.is_welcome = welcome
            served.set()
        if not welcome:
            return False
        try:
            self.read_all(neighbor, stream)
        except (Fault, MemoryError) as error:
            print(f"Peer {neighbor.id} {error}", file=sys.stderr, flush=True)
            neighbor.finish()
        except (OSError, EOFError):
            pass
        self.leave(neighbor)
        return True

    def name_of(self, dialed):
        return f"Peer {dialed}" if dialed else "A caller"

    def shake_hands(self, sock, stream, dialed):
        """Both handshakes; returns the other's ID and, if the bitfield is sent already, the pieces in it."""
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(HANDSHAKE_SECS)
        ours, greeted = wire.handshake(self.id), None
        if mutant("handshake-java-stream"):
            ours = wire.JAVA_MAGIC + wire.java_blocks(ours)
        if mutant("handshake-after-bitfield"):
            ours, greeted = self.bitfield_first(ours)
        if free("bitfield-at-once"):
            ours, greeted = self.bitfield_last(ours)
        answers = dialed is None and (free("accepted-answers") or mutant("handshake-id-of-other"))
        if mutant("handshake-waits-for-other"):
            answers = True
        if not answers:
            sock.sendall(ours)
        ident = wire.handshake_id(stream.read_handshake())
        if mutant("handshake-id-of-other") and dialed is None:
            ours = wire.handshake(ident)
        if answers:
            sock.sendall(ours)
        sock.settimeout(None)
        if mutant("frames-java-stream"):
            stream.java = True
        return self.known_id(ident, dialed), greeted

    def known_id(self, ident, dialed):
        """Checks the ID: the one that we dialed, or one of a later line."""
        if mutant("handshake-id-unchecked"):
            return dialed or ident
        if dialed is None and ident not in self.config.later:
            if not (mutant("start-dials-all") and ident in self.config.ids):
                raise Fault(f"has the ID {ident}, which may not call us")
        if dialed is not None and ident != dialed:
            raise Fault(f"answered with the ID {ident}")
        return ident

    def bitfield_first(self, ours):
        pieces = set(self.copy.pieces)
        return wire.frame(BITFIELD, wire.bitfield(pieces, self.config.piece_count)) + ours, pieces

    def bitfield_last(self, ours):
        with self.lock:
            pieces = set(self.copy.pieces)
        if not pieces and free("bitfield-left-out"):
            return ours, pieces
        return ours + wire.frame(BITFIELD, wire.bitfield(pieces, self.config.piece_count)), pieces

    def join(self, ident, sock, dialed, greeted):
        """The connection stands: logs it, and sends the bitfield first."""
        with self.lock:
            if self.is_over:
                raise Fault("came when all was over")
            if ident in self.neighbors:
                raise Fault(f"has the ID {ident}, which is connected already")
            neighbor = Neighbor(ident, sock)
            self.log.write("makes" if dialed else "connected-from", ident)
            if greeted is None:
                self.greet(neighbor)
            else:
                for piece in self.copy.pieces - greeted:
                    neighbor.send(HAVE, wire.number(piece))
            self.neighbors[ident] = neighbor
            neighbor.writer.start()
            self.note_completeness(neighbor)
            self.lock.notify_all()
            if mutant("start-waits-for-all"):
                self.lock.wait_for(lambda: len(self.neighbors) == len(self.config.ids) - 1 or self.is_over)
            return neighbor

    def greet(self, neighbor):
        """Sends the bitfield; a peer without pieces may leave it out."""
        pieces = self.copy.pieces
        if mutant("bitfield-stale"):
            pieces = self.first_pieces
        if not pieces and free("bitfield-left-out"):
            return
        if mutant("bitfield-never"):
            return
        if mutant("bitfield-late"):
            neighbor.send(NOT_INTERESTED)
        self.send_bitfield(neighbor, pieces)
        if mutant("interest-always"):
            self.tell_interest(neighbor)

    def send_bitfield(self, neighbor, pieces):
        neighbor.send(BITFIELD, wire.bitfield(pieces, self.config.piece_count))

    def read_all(self, neighbor, stream):
        """Reads messages until the other closes or breaks the protocol."""
        if mutant("frames-one-recv"):
            while True:
                self.receive(neighbor, *stream.whole_message())
        while True:
            kind, size = stream.head()
            if mutant("frames-desync-when-ignored") and self.ignores(neighbor, kind):
                continue  # the payload is still in the stream
            self.receive(neighbor, kind, stream.payload(size))

    def ignores(self, neighbor, kind):
        return kind > PIECE or kind == REQUEST and neighbor.we_choke_them

    def leave(self, neighbor):
        """The connection is lost or closed: its requests are free again; what is queued is still sent."""
        neighbor.finish()
        neighbor.writer.join(LAST_READ_SECS)
        with self.lock:
            if mutant("end-resets"):
                neighbor.reset()
            neighbor.sock.close()
            del self.neighbors[neighbor.id]
            self.choking.forget(neighbor)
            if mutant("requests-not-freed-on-loss"):
                neighbor.asked.clear()
            for piece in list(neighbor.asked):
                self.free_request(neighbor, piece)
            if mutant("end-hangs-if-others-close-first") and not self.is_over:
                self.complete.discard(neighbor.id)
            if mutant("end-on-first-close"):
                self.is_over = True
            self.lock.notify_all()
            self.ask_all()

    # ---- Messages ----

    def receive(self, neighbor, kind, payload):
        """Handles one message under the lock."""
        with self.lock:
            if self.neighbors.get(neighbor.id) is not neighbor:
                return
            if mutant("start-deaf-at-first") and time.monotonic() - neighbor.since < 2:
                return
            if mutant("bitfield-required") and not neighbor.has_greeted and kind != BITFIELD:
                raise Fault("sent no bitfield first")
            neighbor.has_greeted = True
            if kind == CHOKE:
                self.on_choke(neighbor)
            elif kind == UNCHOKE:
                self.on_unchoke(neighbor)
            elif kind in (INTERESTED, NOT_INTERESTED):
                self.on_interest(neighbor, kind == INTERESTED)
            elif kind == HAVE:
                self.on_have(neighbor, wire.to_number(payload))
            elif kind == BITFIELD:
                self.on_bitfield(neighbor, payload)
            elif kind == REQUEST:
                self.on_request(neighbor, wire.to_number(payload))
            elif kind == PIECE:
                self.on_piece(neighbor, payload)
            elif mutant("frames-dies-on-unknown-type"):
                raise Fault(f"sent a message of type {kind}")

    def on_choke(self, neighbor):
        if not neighbor.they_choke_us:
            self.log.write("choked", neighbor.id)
        neighbor.they_choke_us = True
        if mutant("requests-never-after-choke") and neighbor.asked:
            neighbor.is_given_up = True
        if mutant("requests-not-freed-on-choke"):
            neighbor.asked.clear()
        for piece in list(neighbor.asked):
            self.free_request(neighbor, piece)
        self.ask_all()

    def on_unchoke(self, neighbor):
        if neighbor.they_choke_us:
            self.log.write("unchoked", neighbor.id)
        neighbor.they_choke_us = False
        self.ask(neighbor)

    def on_interest(self, neighbor, interested):
        self.log.write("interested" if interested else "not-interested", neighbor.id)
        neighbor.they_are_interested = interested
        if mutant("interest-one-flag"):
            neighbor.we_are_interested = interested
        if interested:
            self.choking.on_interested(neighbor)
            self.clock_begins = self.clock_begins or time.monotonic()
            self.lock.notify_all()

    def on_have(self, neighbor, piece):
        if piece >= self.config.piece_count and not mutant("pieces-count-rounded-down"):
            raise Fault(f"announced the piece {piece} of {self.config.piece_count}")
        self.log.write("have", neighbor.id, piece)
        neighbor.pieces.add(piece)
        if not mutant("end-complete-from-haves-ignored"):
            self.note_completeness(neighbor)
        if not mutant("interest-only-after-bitfield"):
            self.tell_interest(neighbor)
        if mutant("interest-repeated") and neighbor.we_are_interested:
            neighbor.send(INTERESTED)
        if not mutant("requests-not-after-have"):
            self.ask(neighbor)

    def on_bitfield(self, neighbor, payload):
        if mutant("pieces-count-rounded-down"):
            payload = payload[: -(-self.config.piece_count // 8)]
        neighbor.pieces |= wire.pieces_of(payload, self.config.piece_count)
        if not mutant("end-complete-from-bitfield-ignored"):
            self.note_completeness(neighbor)
        if mutant("requests-before-interest"):
            self.ask(neighbor)
        neighbor.we_are_interested = None if not mutant("interest-one-flag") else neighbor.we_are_interested
        self.tell_interest(neighbor)
        self.ask(neighbor)

    def on_request(self, neighbor, piece):
        if neighbor.we_choke_them and not mutant("choking-serves-choked"):
            return  # it may have crossed our choke
        if piece not in self.copy.pieces:
            return
        data = self.copy.read(piece)
        if mutant("pieces-last-padded"):
            data = data.ljust(self.config.piece_size, b"\0")
        neighbor.sent += len(data)
        neighbor.send(PIECE, data if mutant("pieces-without-index") else wire.number(piece) + data)

    def on_piece(self, neighbor, payload):
        piece, data = self.piece_of(neighbor, payload)
        neighbor.asked.pop(piece, None)
        if self.asked.get(piece) is neighbor:
            del self.asked[piece]
        if piece not in self.copy.pieces and piece in neighbor.once_asked:
            neighbor.received += len(data)
            self.keep(neighbor, piece, data)
        elif not mutant("requests-one-an-unchoke"):
            self.ask(neighbor)

    def piece_of(self, neighbor, payload):
        """The index and the bytes of a piece that has its right length."""
        if mutant("pieces-without-index"):
            piece, data = next(iter(neighbor.asked), 0), payload
        else:
            piece, data = wire.to_number(payload[:4]), payload[4:]
        if piece >= self.config.piece_count:
            raise Fault(f"sent the piece {piece} of {self.config.piece_count}")
        size = self.config.size_of(piece)
        if mutant("pieces-last-padded"):
            data = data[:size]
        if mutant("pieces-last-awaited-in-full"):
            size = self.config.piece_size
        if len(data) != size:
            raise Fault(f"sent {len(data)} bytes as piece {piece}, which has {size}")
        return piece, data

    # ---- Pieces ----

    def keep(self, neighbor, piece, data):
        """A new piece: written, then logged and announced; then the next request."""
        self.copy.write(piece, data)
        self.log.write("downloaded", piece, neighbor.id, len(self.copy.pieces))
        if self.copy.is_complete:
            self.log.write("complete")
            self.complete.add(self.id)
        if mutant("end-last-have-lost") and len(self.complete) == len(self.config.ids):
            os._exit(0)
        asks_on = not mutant("requests-one-an-unchoke")
        if free("request-before-have") and asks_on:
            self.ask(neighbor)
        if free("haves-collected"):
            self.announce_later(piece, neighbor)
        else:
            self.announce(piece, neighbor)
        for other in [neighbor] if mutant("interest-only-of-sender") else list(self.neighbors.values()):
            if not mutant("interest-only-after-bitfield"):
                self.tell_interest(other)
        if asks_on:
            self.ask(neighbor)
        if self.copy.is_complete and mutant("frames-type-8-at-end"):
            for other in self.neighbors.values():
                other.send(8)
        self.check_end()

    def announce(self, piece, sender):
        """Sends a have to all neighbors."""
        if mutant("pieces-have-never") or mutant("pieces-have-early"):
            return
        if mutant("pieces-no-have-when-complete") and self.copy.is_complete:
            return
        for other in self.neighbors.values():
            if mutant("pieces-have-to-some") and other is not sender:
                continue
            if mutant("pieces-have-to-lacking-only") and piece in other.pieces:
                continue
            other.send(HAVE, wire.number(piece))

    def announce_later(self, piece, sender):
        self.to_announce = [*getattr(self, "to_announce", []), piece]
        if len(self.to_announce) > 1:
            return

        def announce_collected():
            time.sleep(0.008)
            with self.lock:
                pieces, self.to_announce = self.to_announce, []
                for collected in pieces:
                    self.announce(collected, sender)
                self.check_end()

        self.start(announce_collected)

    def tell_interest(self, neighbor):
        """Tells a neighbor whether it has a piece that we lack, if it does not know yet."""
        interested = bool(neighbor.pieces - self.copy.pieces)
        if mutant("interest-always"):
            interested = True
        if neighbor.we_are_interested == interested or mutant("interest-never") and interested:
            return
        neighbor.we_are_interested = interested
        if mutant("interest-one-flag"):
            neighbor.they_are_interested = interested
        if interested or not mutant("interest-never-not"):
            neighbor.send(INTERESTED if interested else NOT_INTERESTED)
        if mutant("requests-while-choked"):
            self.ask(neighbor)

    # ---- Requests ----

    def ask(self, neighbor):
        """Asks a neighbor that has unchoked us for one piece, chosen at random (protocol A8)."""
        if neighbor.they_choke_us and not self.asks_choked(neighbor) or neighbor.is_given_up:
            return
        while len(neighbor.asked) < (5 if mutant("requests-several") else 1):
            candidates = neighbor.pieces - self.copy.pieces - set(self.asked)
            if mutant("requests-duplicate"):
                candidates = neighbor.pieces - self.copy.pieces - set(neighbor.asked)
            if mutant("requests-already-had") and not self.copy.is_complete:
                candidates = neighbor.pieces - set(self.asked)
            if mutant("requests-not-had-by-neighbor"):
                candidates = set(range(self.config.piece_count)) - self.copy.pieces - set(self.asked)
            if not candidates:
                return
            piece = min(candidates) if mutant("requests-sequential") else random.choice(sorted(candidates))
            self.asked[piece] = neighbor
            neighbor.asked[piece] = time.monotonic()
            neighbor.once_asked.add(piece)
            neighbor.send(REQUEST, wire.number(piece))
            self.log.debug(f"requests the piece {piece} from {neighbor.id}")
            if mutant("pieces-have-early"):
                for other in self.neighbors.values():
                    other.send(HAVE, wire.number(piece))

    def asks_choked(self, neighbor):
        if mutant("requests-before-interest"):
            return neighbor.we_are_interested is None
        return mutant("requests-while-choked")

    def ask_all(self):
        """Pieces are free again: asks each neighbor that is not asked for one."""
        if mutant("requests-one-an-unchoke"):
            return
        neighbors = list(self.neighbors.values())
        random.shuffle(neighbors)
        for neighbor in neighbors:
            self.ask(neighbor)

    def free_request(self, neighbor, piece):
        del neighbor.asked[piece]
        if self.asked.get(piece) is neighbor:
            del self.asked[piece]

    # ---- The end ----

    def note_completeness(self, neighbor):
        """A neighbor that has all pieces is complete, and stays so when it closes."""
        if len(neighbor.pieces) >= self.config.piece_count:
            self.complete.add(neighbor.id)
            self.check_end()

    def check_end(self):
        """It is over when all peers of PeerInfo.cfg are complete (protocol A9)."""
        is_over = len(self.complete) == len(self.config.ids) and not getattr(self, "to_announce", [])
        if mutant("end-never"):
            is_over = False
        if mutant("end-when-itself-complete"):
            is_over = self.copy.is_complete and bool(self.neighbors)
        if mutant("end-when-others-complete"):
            is_over = len(self.complete - {self.id}) == len(self.config.ids) - 1
        if is_over:
            self.is_over = True
            self.lock.notify_all()

    def end(self, listener):
        """Sends what is queued, closes the sending half, reads until the others close; returns the exit status."""
        if mutant("end-late"):
            time.sleep(20)
        if mutant("end-only-by-signal"):
            signal.pause()
        if free("lingers"):
            time.sleep(0.7)
        listener.close()
        with self.lock:
            neighbors = list(self.neighbors.values())
        for neighbor in neighbors:
            neighbor.finish()
        deadline = time.monotonic() + LAST_READ_SECS
        for neighbor in neighbors:
            neighbor.writer.join(max(0, deadline - time.monotonic()))
            if mutant("end-resets"):
                neighbor.reset()
        if not free("closes-at-once"):
            with self.lock:
                self.lock.wait_for(lambda: not self.neighbors, deadline - time.monotonic())
        if mutant("end-process-stays"):
            threading.Thread(target=threading.Event().wait).start()  # not a daemon
            for neighbor in neighbors:
                neighbor.sock.close()
            threading.Event().wait()
        return 1 if mutant("end-status-1") else 0


def main(arguments):
    if arguments == ["--list"]:
        variants.print_list()
        return 0
    mutant_name, free_names = variants.from_environment()
    ident = None
    while arguments:
        word = arguments.pop(0)
        if word == "--mutant":
            mutant_name = arguments.pop(0)
        elif word == "--free":
            free_names = arguments.pop(0).replace(",", " ").split()
        else:
            ident = int(word)
    if ident is None:
        print("usage: peer.py ID [--free NAMES] [--mutant NAME] | --list", file=sys.stderr)
        return 2
    variants.select(mutant_name, free_names)
    if mutant("end-only-by-signal"):
        for number in signal.SIGTERM, signal.SIGINT:
            signal.signal(number, lambda *_: os._exit(0))
    return Peer(ident).run()


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(status)  # daemon threads may still wait in a call
