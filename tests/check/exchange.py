"""Messages: what a neighbor says, which pieces come and go, and who is asked for which (protocol A5, A6, A8)."""

import os
import random
import struct
import time

import wire
from variants import free, mutant
from wire import BITFIELD, CHOKE, HAVE, INTERESTED, NOT_INTERESTED, PIECE, REQUEST, UNCHOKE, Fault


class Exchange:
    """The part of a peer that handles messages. All methods run under the lock."""

    def receive(self, neighbor, kind, payload):
        """Handles one message under the lock."""
        with self.lock:
            if self.neighbors.get(neighbor.id) is not neighbor:
                return
            if mutant("frames-all-ignored"):
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
                self.on_have(neighbor, wire.to_index(payload))
            elif kind == BITFIELD:
                self.on_bitfield(neighbor, payload)
            elif kind == REQUEST:
                self.on_request(neighbor, wire.to_index(payload))
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
        if mutant("interest-repeat-fatal") and interested and neighbor.they_are_interested:
            raise Fault("said interested twice")
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
        if mutant("pieces-haves-ignored"):
            return
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
        if piece not in self.copy.pieces or mutant("pieces-never-sent"):
            return
        data = self.copy.read(piece)
        if mutant("pieces-wrong-content"):
            data = self.copy.read(0)[: len(data)]
        if mutant("pieces-last-padded"):
            data = data.ljust(self.config.piece_size, b"\0")
        neighbor.sent += len(data)
        for _ in range(2 if mutant("pieces-sent-twice") else 1):
            neighbor.send(PIECE, data if mutant("pieces-without-index") else wire.index(piece) + data)
        if mutant("pieces-stops-after-last") and len(data) < self.config.piece_size:
            neighbor.finish()

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
            piece, data = wire.to_index(payload[:4]), payload[4:]
        if piece >= self.config.piece_count:
            raise Fault(f"sent the piece {piece} of {self.config.piece_count}")
        size = self.config.size_of(piece)
        if mutant("pieces-last-padded") or mutant("pieces-last-awaited-in-full"):
            data = data[:size]
        if len(data) != size:
            if mutant("pieces-short-stops"):
                neighbor.asked.clear()
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
            if mutant("end-crashes-when-complete") and len(self.complete) < len(self.config.ids):
                self.crash("ArrayIndexOutOfBoundsException")
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
            if mutant("bitfield-gap") and time.monotonic() - other.since < 0.3:
                continue
            for _ in range(2 if mutant("pieces-have-twice") else 1):
                other.send(HAVE, wire.index(piece))

    def announce_later(self, piece, sender):
        self.to_announce = [*self.to_announce, piece]
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
        if mutant("interest-never-not") and not interested:
            return
        neighbor.we_are_interested = interested
        if mutant("interest-one-flag"):
            neighbor.they_are_interested = interested
        neighbor.send(INTERESTED if interested else NOT_INTERESTED)
        if mutant("requests-while-choked"):
            self.ask(neighbor)

    # ---- Requests ----

    def ask(self, neighbor):
        """Asks a neighbor that has unchoked us for one piece, chosen at random (protocol A8)."""
        if neighbor.they_choke_us and not self.asks_choked(neighbor) or neighbor.is_given_up:
            return
        if mutant("requests-never") or mutant("requests-one-neighbor") and self.asked:
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
            piece = self.chosen(candidates)
            self.asked[piece] = neighbor
            neighbor.asked[piece] = time.monotonic()
            neighbor.once_asked.add(piece)
            if mutant("requests-after-not-interested") and len(candidates) == 1:
                neighbor.we_are_interested = False
                neighbor.send(NOT_INTERESTED)
            if mutant("requests-not-interested"):
                neighbor.send(NOT_INTERESTED)
            block = struct.pack(">II", 0, self.config.size_of(piece)) if mutant("requests-blocks") else b""
            neighbor.send(REQUEST, wire.index(piece) + block)
            self.log.debug(f"requests the piece {piece} from {neighbor.id}")
            if mutant("pieces-have-early"):
                for other in self.neighbors.values():
                    other.send(HAVE, wire.index(piece))

    def chosen(self, candidates):
        """The piece to ask for: one at random."""
        if mutant("requests-sequential"):
            return min(candidates)
        if mutant("requests-reversed"):
            return max(candidates)
        if mutant("requests-rarest-first"):
            ordered = random.sample(sorted(candidates), len(candidates))
            return min(ordered, key=lambda piece: sum(piece in other.pieces for other in self.neighbors.values()))
        if mutant("requests-fixed-seed"):
            count = self.config.piece_count
            return min(candidates, key=random.Random(7).sample(range(count), count).index)
        return random.choice(sorted(candidates))

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
