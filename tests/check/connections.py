"""Connections: the listener, the dialers, the handshakes, and the reader of each neighbor (protocol A3, A4)."""

import os
import socket
import sys
import threading

import wire
from neighbor import Neighbor
from variants import free, mutant
from wire import BITFIELD, HAVE, NOT_INTERESTED, PIECE, REQUEST, Fault, Stream

HANDSHAKE_SECS = 5  # a caller that says nothing is closed after this time
LAST_READ_SECS = 5  # how long the end waits for the others to close


class Connections:
    """The part of a peer that makes, reads and loses connections."""

    def accept_all(self, listener):
        """The listener thread: a reader for each caller, so that a silent one holds nobody up."""
        if mutant("start-dials-before-accepting"):
            with self.lock:
                self.lock.wait_for(lambda: all(other in self.neighbors for other in self.config.earlier))
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

    def serve(self, sock, dialed, served=None):
        """The reader of one connection, dialed or accepted (None); returns whether it was a neighbor."""
        neighbor, welcome = None, False
        stream = Stream(sock, 64 + max(self.config.piece_size, self.config.piece_count))
        try:
            ident, greeted = self.shake_hands(sock, stream, dialed)
            neighbor = self.join(ident, sock, dialed, greeted)
            welcome = True
        except (Fault, OSError, EOFError) as error:
            if mutant("handshake-ends-on-nonzero-reserved") and isinstance(error, wire.NotZero):
                self.crash(error)
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

    def crash(self, words):
        """Ends the process as an exception does that nobody catches."""
        print(f"Exception in thread main: {words}", file=sys.stderr, flush=True)
        os._exit(1)

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
        if mutant("handshake-speaks-early"):
            ours, greeted = self.bitfield_last(ours)
            ours += wire.frame(NOT_INTERESTED)
        answers = dialed is None and (free("accepted-answers") or mutant("handshake-id-of-other"))
        if mutant("start-accepts-in-order") and dialed is None or mutant("handshake-waits-for-other"):
            answers = True
        if not answers:
            sock.sendall(ours)
        ident = wire.handshake_id(stream.read_handshake())
        if mutant("start-accepts-in-order") and dialed is None:
            before = self.config.later[: self.config.later.index(ident)]
            if any(other not in self.neighbors for other in before):
                raise Fault(f"has the ID {ident}, which is not the next one")
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
                if not mutant("start-two-connections"):
                    raise Fault(f"has the ID {ident}, which is connected already")
            if mutant("handshake-class-missing"):
                self.crash("NoClassDefFoundError: Neighbor")
            self.turn_away(ident)
            neighbor = Neighbor(ident, sock)
            self.log.write("makes" if dialed else "connected-from", ident)
            if greeted is None:
                self.greet(neighbor)
            else:
                for piece in self.copy.pieces - greeted:
                    neighbor.send(HAVE, wire.index(piece))
            self.neighbors[ident] = neighbor
            if mutant("handshake-twice"):
                neighbor.queue.put(wire.handshake(self.id))
            neighbor.writer.start()
            self.note_completeness(neighbor)
            self.lock.notify_all()
            if mutant("start-waits-for-all"):
                self.lock.wait_for(lambda: len(self.neighbors) == len(self.config.ids) - 1 or self.is_over)
            return neighbor

    def turn_away(self, ident):
        """What only a mutant does: it turns away a neighbor that is welcome."""
        if mutant("start-known-turned-away") and ident in self.once_known:
            raise Fault(f"has the ID {ident}, which was here before")
        self.once_known.add(ident)

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
            if mutant("pieces-last-awaited-in-full") and kind == PIECE:
                size = 4 + self.config.piece_size  # of the last piece too: takes the messages behind it
            self.receive(neighbor, kind, stream.payload(size))

    def ignores(self, neighbor, kind):
        return kind > PIECE or kind == REQUEST and neighbor.we_choke_them

    def leave(self, neighbor):
        """The connection is lost or closed: its requests are free again; what is queued is still sent."""
        neighbor.finish()
        neighbor.writer.join(LAST_READ_SECS)
        with self.lock:
            if mutant("end-resets"):
                neighbor.reset_at_close()
            neighbor.sock.close()
            if mutant("end-crashes-on-loss") and not self.is_over:
                self.crash("SocketException: Connection reset")
            if mutant("start-two-connections") and self.neighbors.get(neighbor.id) is not neighbor:
                return
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
