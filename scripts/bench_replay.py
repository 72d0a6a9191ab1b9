#!/usr/bin/env python3
"""Measures `swarm replay`: how long it takes to make the page, how large the page is, and how long it takes to open.

Usage: scripts/bench_replay.py [--peers N] [--pieces N] [--no-have] [--keep DIR]

Build first: cargo build --release --locked. Without options, six peers log one million lines: five leechers get 33334 pieces each,
and every connected peer logs its `have`. With --no-have, only the downloads are logged. Opening is measured in headless Chromium,
from the beginning of the navigation until the first frame with all data is drawn, and so are 200 jumps to random moments.
"""

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
SWARM = REPOSITORY / "target/release/swarm"
PIECE_SIZE = 16384
# Seconds from the first line to the last.
SPAN = 120
JUMPS = 200
CHROMIUM = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe"]
DRAWN = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"
JUMP = """(() => { const all = []; for (let i = 0; i < %d; i++) {
  app.clock.time = Math.random() * app.store.end; const start = performance.now(); app.draw(); all.push(performance.now() - start);
} return all; })()""" % JUMPS
# Frames while it plays at 1, as a person sees it: the time between two frames.
FRAMES = """new Promise((done) => { const all = []; let last; app.clock.seek(app.store.end / 3); app.clock.toggle();
  const look = (now) => { if (last) all.push(now - last); last = now;
    if (all.length < 120) requestAnimationFrame(look); else { app.clock.toggle(); done(all); } };
  requestAnimationFrame(look); })"""


def write_swarm(directory, peers, pieces, has_have):
    """Writes both configuration files and the logs; returns the number of lines."""
    ids = range(1001, 1001 + peers)
    size = pieces * PIECE_SIZE
    (directory / "Common.cfg").write_text(
        f"NumberOfPreferredNeighbors 3\nUnchokingInterval 1\nOptimisticUnchokingInterval 2\nFileName f\n"
        f"FileSize {size}\nPieceSize {PIECE_SIZE}\n")
    (directory / "PeerInfo.cfg").write_text(
        "".join(f"{peer} localhost {peer + 5000} {int(peer == 1001)}\n" for peer in ids))
    chance = random.Random(1)
    logs = {peer: [] for peer in ids}
    for place, peer in enumerate(ids):
        logs[peer] += [(0, f"makes a connection to Peer {other}") for other in ids[:place]]
        logs[peer] += [(0, f"is connected from Peer {other}") for other in ids[place + 1:]]
    for peer in ids[1:]:
        order = list(range(pieces))
        chance.shuffle(order)
        for number, piece in enumerate(order):
            second = number * SPAN // pieces
            source = chance.choice([other for other in (1001, 1001 + number % peers) if other != peer] or [1001])
            logs[peer].append((second, f"has downloaded the piece {piece} from {source}. Now the number of pieces it has is {number + 1}"))
            if has_have:
                for other in ids:
                    if other != peer:
                        logs[other].append((second, f"received the 'have' message from {peer} for the piece {piece}"))
    lines = 0
    for peer, log in logs.items():
        log.sort(key=lambda line: line[0])
        lines += len(log)
        with open(directory / f"log_peer_{peer}.log", "w") as file:
            file.writelines(f"[2026-11-28 10:{second // 60:02}:{second % 60:02}]: Peer {peer} {words}.\n" for second, words in log)
    return lines


class Browser:
    """Headless Chromium, driven over its debugging pipe."""

    def __init__(self, home):
        to_read, self.to = os.pipe()
        self.come, come_write = os.pipe()
        script = f'exec "$@" 3<&{to_read} 4>&{come_write}'
        words = ["bash", "-c", script, "-", *CHROMIUM, f"--user-data-dir={home}", "--window-size=1200,1000"]
        self.process = subprocess.Popen(words, pass_fds=[to_read, come_write], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(come_write)
        self.left = b""
        self.last = 0
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        self.session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        self.call("Page.enable", {})

    session = None

    def receive(self):
        while b"\0" not in self.left:
            self.left += os.read(self.come, 1 << 16) or self.ended()
        message, _, self.left = self.left.partition(b"\0")
        return json.loads(message)

    def ended(self):
        raise SystemExit("bench_replay.py: Chromium has ended")

    def call(self, method, params):
        self.last += 1
        message = {"id": self.last, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.last:
                return answer["result"]

    def open(self, path):
        self.call("Page.navigate", {"url": f"file://{path}"})
        while self.receive().get("method") != "Page.loadEventFired":
            pass
        return self.value(DRAWN)

    def value(self, expression):
        answer = self.call("Runtime.evaluate", {"expression": expression, "awaitPromise": True, "returnByValue": True})
        return answer["result"]["value"]

    def close(self):
        self.call("Browser.close", {})
        self.process.wait(30)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", type=int, default=6)
    parser.add_argument("--pieces", type=int, default=33334)
    parser.add_argument("--no-have", action="store_true")
    parser.add_argument("--keep", type=Path, help="leave the swarm and the page here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        directory = options.keep or Path(temporary) / "swarm"
        directory.mkdir(exist_ok=True)
        lines = write_swarm(directory, options.peers, options.pieces, not options.no_have)
        page = directory / "replay.html"
        start = time.monotonic()
        subprocess.run([SWARM, "replay", directory, "-o", page], check=True, stdout=subprocess.DEVNULL)
        took = time.monotonic() - start
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
        print(f"{lines} lines of {options.peers} peers, {options.pieces} pieces")
        print(f"made in {took:.2f} s with {memory:.0f} MB of memory; the page has {page.stat().st_size / 1e6:.1f} MB")
        browser = Browser(Path(temporary) / "home")
        opened = sorted(browser.open(page) for _ in range(3))
        print(f"opened in {opened[1]:.0f} ms (median of 3; {opened[0]:.0f} to {opened[2]:.0f})")
        for name, script in [("jump", JUMP), ("frame while playing", FRAMES)]:
            all_times = sorted(browser.value(script))
            print(f"{name}: median {statistics.median(all_times):.1f} ms, longest {all_times[-1]:.1f} ms")
        browser.close()


if __name__ == "__main__":
    main()
