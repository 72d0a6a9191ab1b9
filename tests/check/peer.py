"""A peer of the course's protocol that is correct, or wrong in exactly one way. It knows nothing of ours.

    python3 peer.py ID [--free NAME,NAME] [--mutant NAME]      or PEER_FREE and PEER_MUTANT in the environment
    python3 peer.py --list

It runs in a directory with Common.cfg, PeerInfo.cfg and, for a seeder, peer_ID/FILE. Its deviations stand beside the
correct lines, as `if mutant("...")`; what the text leaves open stands there as `if free("...")`. See variants.py.

Threads: a listener, a dialer for each earlier line, a reader and a writer for each neighbor, a clock for the choices, and
one for requests without an answer. One lock guards all they share; nobody sends while holding it, `Neighbor.send` queues.
"""

import os
import signal
import socket
import sys
import threading
import time

# Nothing is left beside these files, but a test may name a directory for the compiled ones: half of each start goes into that.
sys.dont_write_bytecode = sys.pycache_prefix is None

import variants  # noqa: E402
from choking import Choking  # noqa: E402
from connections import LAST_READ_SECS, Connections  # noqa: E402
from exchange import Exchange  # noqa: E402
from files import Config, Copy, Log  # noqa: E402
from variants import free, mutant  # noqa: E402

ANSWER_SECS = 3  # a request without an answer is free for others after this time
LATE_SECS = 4  # longer than the tester waits for other things
FIRST_CHOICE_SECS = 0.02  # those that become interested in the same moment take part


class Peer(Connections, Exchange):
    """The whole peer: its state, its clocks and its end."""

    def __init__(self, ident):
        self.id = ident
        self.config = Config(ident)
        self.log = Log(ident)
        self.copy = Copy(self.config, ident)
        self.first_pieces = set(self.copy.pieces)
        self.lock = threading.Condition(threading.RLock())
        self.listener = None
        self.neighbors = {}  # by ID, those with a connection that stands
        self.readers = []
        self.asked = {}  # each piece that is asked for, and the neighbor that was asked
        self.complete = {ident} if self.copy.is_complete else set()
        self.choking = Choking(self)
        self.clock_begins = time.monotonic() if free("clock-from-start") else None
        self.to_announce = []  # pieces whose haves wait a few ms
        self.once_known = set()  # all that were neighbors once; only a mutant looks at them
        self.is_over = False

    # ---- Threads ----

    def run(self):
        if free("starts-late"):
            time.sleep(0.5)
        _, port = self.config.addresses[self.id]
        if mutant("start-other-port"):
            port = 0
        if not free("listens-late"):
            self.listen(port)
        dialed = list(self.config.earlier)
        if mutant("start-dials-all"):
            dialed = [other for other in self.config.ids if other != self.id]
        if mutant("start-dials-one-before"):
            dialed = dialed[-1:]
        if mutant("start-dials-nobody"):
            dialed = []
        if mutant("start-two-connections"):
            dialed += dialed
        if free("dials-backwards"):
            dialed.reverse()
        self.start(self.tick_all)
        self.start(self.free_unanswered)
        if not free("listens-late") and not free("accepts-late"):
            self.start(self.accept_all, self.listener)
        if free("dials-late") or free("accepts-late"):
            time.sleep(LATE_SECS)
        for other in dialed:
            self.start(self.dial, other)
        if free("listens-late"):
            time.sleep(LATE_SECS)
            self.listen(port)
        if free("listens-late") or free("accepts-late"):
            self.start(self.accept_all, self.listener)
        if mutant("bitfield-repeated"):
            self.start(self.repeat_bitfield)
        with self.lock:
            self.lock.wait_for(lambda: self.is_over)
        return self.end()

    def listen(self, port):
        self.listener = socket.create_server(("", port), backlog=64)
        print(f"Peer {self.id} listens on port {port}", file=sys.stderr, flush=True)

    def start(self, body, *given):
        thread = threading.Thread(target=body, args=given, daemon=True)
        thread.start()
        return thread

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
                limit = time.monotonic() - ANSWER_SECS
                neighbors = list(self.neighbors.values())
                late = [(neighbor, piece) for neighbor in neighbors for piece in neighbor.asked if neighbor.asked[piece] < limit]
                for neighbor, piece in late:
                    self.free_request(neighbor, piece)
                if late:
                    self.ask_all()

    def repeat_bitfield(self):
        with self.lock:
            while not self.lock.wait_for(lambda: self.is_over, 1):
                for neighbor in self.neighbors.values():
                    self.send_bitfield(neighbor, self.copy.pieces)

    # ---- The end ----

    def note_completeness(self, neighbor):
        """A neighbor that has all pieces is complete, and stays so when it closes."""
        if len(neighbor.pieces) >= self.config.piece_count:
            self.complete.add(neighbor.id)
            self.check_end()

    def check_end(self):
        """It is over when all peers of PeerInfo.cfg are complete (protocol A9)."""
        is_over = len(self.complete) == len(self.config.ids) and not self.to_announce
        if mutant("end-never"):
            is_over = False
        if mutant("end-when-itself-complete"):
            is_over = self.copy.is_complete and bool(self.neighbors)
        if mutant("end-when-others-complete"):
            is_over = len(self.complete - {self.id}) == len(self.config.ids) - 1
        if is_over:
            self.is_over = True
            self.lock.notify_all()

    def end(self):
        """Sends what is queued, closes the sending half, reads until the others close; returns the exit status."""
        if mutant("end-late"):
            time.sleep(20)
        if mutant("end-only-by-signal"):
            signal.pause()
        if free("lingers"):
            time.sleep(0.7)
        self.listener.close()
        with self.lock:
            neighbors = list(self.neighbors.values())
        for neighbor in neighbors:
            neighbor.finish()
        deadline = time.monotonic() + LAST_READ_SECS
        for neighbor in neighbors:
            neighbor.writer.join(max(0, deadline - time.monotonic()))
        if mutant("end-resets"):
            self.reset_all(neighbors)
        if not free("closes-at-once"):
            with self.lock:
                self.lock.wait_for(lambda: not self.neighbors, deadline - time.monotonic())
        if mutant("end-process-stays"):
            threading.Thread(target=threading.Event().wait).start()  # not a daemon
            for neighbor in neighbors:
                neighbor.sock.close()
            threading.Event().wait()
        return 1 if mutant("end-status-1") else 0

    def reset_all(self, neighbors):
        """Ends the process with a reset of each connection, a moment after all is sent."""
        time.sleep(0.1)
        for neighbor in neighbors:
            neighbor.reset_at_close()
        os._exit(0)


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
