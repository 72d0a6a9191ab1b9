"""One neighbor: how both sides stand, and the thread that writes to it."""

import queue
import random
import socket
import struct
import threading
import time

import wire
from variants import free, mutant


class Neighbor:
    """The other end of a connection. The peer's lock guards all fields; `send` only queues."""

    def __init__(self, ident, sock):
        self.id, self.sock = ident, sock
        self.pieces = set()
        self.they_choke_us = self.we_choke_them = True
        self.they_are_interested = False
        self.we_are_interested = None  # None: not told yet
        self.asked = {}  # the pieces that we asked for, with the time; at most one
        self.once_asked = set()
        self.is_given_up = False  # never asked again; only mutants set it
        self.received = self.sent = 0  # bytes of pieces since the last choice
        self.has_greeted = False  # its first message is there
        self.since = time.monotonic()
        self.queue = queue.SimpleQueue()
        self.java_has_begun = mutant("handshake-java-stream")
        self.writer = threading.Thread(target=self.write_all, daemon=True)

    def send(self, kind, payload=b""):
        if mutant("start-sends-under-lock"):
            self.send_now(wire.frame(kind, payload))
            return
        self.queue.put(wire.frame(kind, payload))

    def send_now(self, data):
        try:
            self.sock.sendall(data)
        except OSError:
            pass  # the reader sees the loss too

    def finish(self):
        """Closes the sending half after all that is queued."""
        self.queue.put(None)

    def reset_at_close(self):
        """Lets the connection end with a reset when its socket is closed."""
        try:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass  # closed already

    def write_all(self):
        """The writer thread."""
        try:
            while (data := self.queue.get()) is not None:
                if mutant("frames-floods"):
                    data = self.without_end(data)
                if free("coalesced-segments"):
                    time.sleep(0.004)
                    data = self.with_queued(data)
                if mutant("handshake-java-stream") or mutant("frames-java-stream"):
                    data = self.as_java(data)
                self.write(data)
            if not mutant("end-resets"):
                self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the reader sees the loss too

    def without_end(self, data):
        while True:
            self.sock.sendall(data)
            data = wire.frame(wire.NOT_INTERESTED) * 1000

    def with_queued(self, data):
        while not self.queue.empty():
            more = self.queue.get()
            if more is None:
                self.finish()
                break
            data += more
        return data

    def as_java(self, data):
        head = b"" if self.java_has_begun else wire.JAVA_MAGIC
        self.java_has_begun = True
        return head + wire.java_blocks(data)

    def write(self, data):
        if not free("split-segments"):
            self.sock.sendall(data)
            return
        first = random.randint(1, 4)
        second = first + random.randint(1, 5)
        for part in data[:first], data[first:second], data[second:]:
            if part:
                self.sock.sendall(part)
                time.sleep(0.0003)
