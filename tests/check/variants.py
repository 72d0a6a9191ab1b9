"""The names of all variants of peer.py: correct ones, which use a freedom of the text, and wrong ones, with one deviation each.

The program asks `free(name)` or `mutant(name)` at the one place where the variant differs. Sections are those of protocol.md.
"""

import os

FREEDOMS = {
    "bitfield-left-out": ("A5", "sends no bitfield while it has no piece"),
    "bitfield-at-once": ("B", "sends the bitfield right behind its handshake, before it reads the other's"),
    "accepted-answers": ("B", "sends its handshake to a caller only after the caller's"),
    "first-selection-after-p": ("B", "chooses for the first time one interval after the first interested neighbor"),
    "clock-from-start": ("B", "counts its intervals from its start, not from the first interested neighbor"),
    "request-before-have": ("A8", "sends the next request before it announces the piece"),
    "haves-collected": ("A5", "announces pieces up to 8 ms later, several together"),
    "preferred-logged-each-tick": ("B", "logs the preferred neighbors at each tick, changed or not"),
    "split-segments": ("A5", "sends each message in odd parts"),
    "coalesced-segments": ("A5", "sends all messages of 4 ms in one segment"),
    "lingers": ("B", "waits 0.7 s at the end before it closes"),
    "closes-at-once": ("B", "sends what is queued at the end and closes without reading on"),
    "dials-backwards": ("A3", "dials the last of the earlier lines first"),
    "starts-late": ("A3", "listens and dials 0.5 s after its start"),
    "listens-late": ("A3", "dials at once, and listens 4 s later"),
    "dials-late": ("A3", "listens and accepts at once, and dials 4 s later"),
    "accepts-late": ("A3", "listens at once, and dials and accepts 4 s later"),
    "no-part-file": ("A2", "writes the copy under its last name from the start"),
    "other-time-form": ("A10", "writes the time in another form"),
}
# The first two contradict `lingers` and `split-segments`. The others make each case long.
NOT_IN_ALL = {"closes-at-once", "coalesced-segments", "dials-late", "listens-late", "accepts-late"}

MUTANTS = {
    # Handshake.
    "handshake-ascii-zeros": ("A4", "fills the ten zero bytes with the digit '0'"),
    "handshake-ascii-id": ("A4", "writes and reads its ID as four ASCII digits"),
    "handshake-other-header": ("A4", "uses the header P2PBITTORRENTFILES"),
    "handshake-header-2008": ("A4", "uses the header CEN5501C2008SPRING"),
    "handshake-java-stream": ("A4", "writes and reads everything through Java's ObjectOutputStream and ObjectInputStream, as blocks"),
    "handshake-java-object": ("A4", "sends the handshake as a serialised Java byte array"),
    "handshake-little-endian-id": ("A4", "writes and reads the ID with the low byte first"),
    "handshake-nine-zeros": ("A4", "sends 31 bytes, with nine zero bytes"),
    "handshake-id-of-other": ("A4", "answers a caller with the caller's own ID"),
    "handshake-after-bitfield": ("A4", "sends the bitfield before the handshake"),
    "handshake-waits-for-other": ("A4", "sends its handshake only after the other's, also where it dialed"),
    "handshake-one-recv": ("A4", "compares one recv(1024) with 32 bytes, so a handshake with something behind it fails"),
    "handshake-swallows-rest": ("A4", "takes one recv(1024) for the handshake and loses the bytes behind it"),
    "handshake-partial-recv": ("A4", "takes one recv(32) for the handshake, which fails if it comes in parts"),
    "handshake-header-unchecked": ("A4", "does not check the header"),
    "handshake-id-unchecked": ("A4", "does not check the ID"),
    "handshake-dies-on-nonzero-reserved": ("A4", "closes a connection whose ten bytes are not zero"),
    "handshake-ends-on-nonzero-reserved": ("A4", "ends its process at a handshake whose ten bytes are not zero"),
    "handshake-class-missing": ("A4", "ends its process when a connection stands, whatever the files look like"),
    "handshake-stranger-ends-listener": ("A4", "accepts nobody after one wrong handshake"),
    "handshake-stranger-blocks-listener": ("A3", "reads each caller's handshake before it accepts the next caller"),
    "handshake-length-first": ("A4", "writes and reads a length before the handshake"),
    "handshake-twice": ("A4", "sends its handshake again after the other's"),
    "handshake-speaks-early": ("B", "sends messages behind its handshake before it reads the other's"),
    # Frames.
    "frames-length-without-type": ("A5", "leaves the type out of the length, in both directions"),
    "frames-ascii-length": ("A5", "writes and reads the length as four ASCII digits"),
    "frames-type-as-text": ("A5", "writes and reads the type as an ASCII digit"),
    "frames-type-four-bytes": ("A5", "writes and reads the type as a 4-byte number"),
    "frames-little-endian": ("A5", "writes and reads the length and piece indexes with the low byte first"),
    "frames-java-stream": ("A5", "sends a plain handshake, and everything after it through Java's object streams"),
    "frames-one-recv": ("A5", "takes one recv for one message"),
    "frames-partial-recv": ("A5", "calls recv once for the length and once for the rest"),
    "frames-desync-when-ignored": ("A5", "leaves the payload of ignored messages unread"),
    "frames-length-believed": ("A5", "believes any length and waits for that many bytes"),
    "frames-dies-on-unknown-type": ("B", "closes the connection at a type above 7"),
    "frames-type-8-at-end": ("A5", "sends a message of type 8 when it is complete"),
    "frames-all-ignored": ("A5", "reads all messages and heeds none of them"),
    "frames-length-with-itself": ("A5", "counts the four bytes of the length in the length, in both directions"),
    "frames-counts-from-one": ("A5", "counts pieces from 1 in its messages"),
    "frames-pickle": ("A5", "sends its messages as Python pickles"),
    "frames-fixed-buffer": ("A5", "reads messages into a buffer of 64 KiB"),
    "frames-floods": ("A5", "repeats not interested without end"),
    "frames-length-allocated": ("A5", "takes memory for any length, and ends when there is not enough"),
    # Bitfield.
    "bitfield-low-bit-first": ("A5", "writes and reads Java's BitSet.toByteArray: low bit first, trailing zero bytes dropped"),
    "bitfield-low-bit-padded": ("A5", "writes and reads the low bit first, in all bytes"),
    "bitfield-one-byte-a-piece": ("A5", "writes and reads one byte for each piece"),
    "bitfield-as-text": ("A5", "writes and reads the digits 0 and 1"),
    "bitfield-sent-empty": ("A5", "sends a bitfield without payload"),
    "bitfield-late": ("A5", "sends the bitfield after other messages"),
    "bitfield-never": ("A5", "never sends a bitfield, though it has pieces"),
    "bitfield-spare-bits-set": ("A5", "sets the spare bits"),
    "bitfield-rounded-down": ("A5", "sends floor(n / 8) bytes"),
    "bitfield-stale": ("A5", "sends late callers the pieces that it had at its start"),
    "bitfield-repeated": ("A5", "sends its bitfield again each second"),
    "bitfield-required": ("A5", "closes the connection if the first message is not a bitfield"),
    "bitfield-first-byte-read": ("A5", "reads only the first byte of a bitfield"),
    "bitfield-gap": ("A5", "announces no piece to a neighbor in the first 0.3 s of its connection"),
    # Interest.
    "interest-never": ("A6", "never sends 'interested'"),
    "interest-never-not": ("A6", "never sends 'not interested'"),
    "interest-always": ("A6", "sends 'interested' whatever the other has"),
    "interest-one-flag": ("A6", "keeps one flag for both directions"),
    "interest-only-after-bitfield": ("A6", "sends its interest after the bitfield and never again"),
    "interest-only-of-sender": ("A6", "looks again after a piece only at the neighbor that sent it"),
    "interest-repeated": ("A6", "sends 'interested' again after each have"),
    "interest-repeat-fatal": ("A6", "closes the connection at a second 'interested'"),
    # Choking.
    "choking-never-chokes": ("A7", "unchokes each interested neighbor at once and never chokes"),
    "choking-everybody": ("A7", "unchokes all interested neighbors at each tick"),
    "choking-more-than-k": ("A7", "chooses k + 1 preferred neighbors"),
    "choking-same-set": ("A7", "keeps its first k preferred neighbors until the end"),
    "choking-rates-zeroed": ("A7", "sets the rates to zero before it compares them, so the order of connecting decides"),
    "choking-rates-ignored": ("A7", "chooses at random though it is not complete"),
    "choking-rates-cumulative": ("A7", "compares all bytes since the start, not those of the last interval"),
    "choking-rates-of-sent": ("A7", "compares the bytes that it sent, not those that it received"),
    "choking-sorted-ascending": ("A7", "prefers the slowest"),
    "choking-ties-by-id": ("A7", "breaks ties of rates by ID"),
    "choking-seeder-in-order": ("A7", "with the complete file, chooses the lowest IDs"),
    "choking-uninterested": ("A7", "chooses preferred neighbors whether they are interested or not"),
    "choking-optimistic-never": ("A7", "has no optimistically unchoked neighbor"),
    "choking-optimistic-among-unchoked": ("A7", "chooses the optimistic neighbor among the unchoked"),
    "choking-optimistic-among-uninterested": ("A7", "chooses the optimistic neighbor among those that are not interested"),
    "choking-optimistic-lowest-id": ("A7", "chooses the lowest ID as optimistic neighbor, not one at random"),
    "choking-optimistic-kept": ("A7", "leaves former optimistic neighbors unchoked"),
    "choking-optimistic-choked": ("A7", "chokes the optimistic neighbor when it is not preferred"),
    "choking-optimistic-each-p": ("A7", "chooses the optimistic neighbor every p seconds"),
    "choking-repeats": ("A7", "sends choke or unchoke to everybody at each tick, changed or not"),
    "choking-chokes-all-first": ("A7", "chokes all at each tick and then unchokes the chosen ones"),
    "choking-serves-choked": ("A7", "sends pieces to choked neighbors"),
    "choking-fills-free-slots": ("B", "unchokes an interested neighbor between two ticks if a slot is free"),
    "choking-interval-drifts": ("A7", "sleeps a whole interval after 0.15 s of work"),
    "choking-nobody": ("A7", "unchokes nobody"),
    "choking-one-too-few": ("A7", "chooses k - 1 preferred neighbors"),
    "choking-one-preferred": ("A7", "chooses one preferred neighbor, whatever k is"),
    "choking-first-interested-only": ("A7", "chooses only among those that were interested at the first selection"),
    "choking-dead-preferred": ("A7", "leaves a place among the preferred to a neighbor that has gone"),
    "choking-optimistic-fixed": ("A7", "keeps its first optimistic neighbor"),
    # Requests.
    "requests-while-choked": ("A8", "sends requests while choked"),
    "requests-several": ("A8", "sends five requests at once to one neighbor"),
    "requests-duplicate": ("A8", "asks several neighbors for the same piece"),
    "requests-sequential": ("A8", "asks for the lowest missing piece"),
    "requests-before-interest": ("A8", "sends a request before it sends 'interested'"),
    "requests-after-not-interested": ("A8", "says 'not interested' before its last request to a neighbor"),
    "requests-not-interested": ("A8", "says 'not interested' just before its request"),
    "requests-already-had": ("A8", "asks for pieces that it has"),
    "requests-not-had-by-neighbor": ("A8", "asks for missing pieces whether the neighbor has them or not"),
    "requests-never-after-choke": ("A8", "asks a neighbor no more after a choke with a request under way"),
    "requests-not-freed-on-choke": ("A8", "asks nobody again for a piece whose request a choke ended"),
    "requests-not-freed-on-loss": ("A8", "asks nobody again for a piece that a lost neighbor owed"),
    "requests-stuck-without-answer": ("A8", "waits until the end for a request that is not answered"),
    "requests-one-an-unchoke": ("A8", "asks for one piece after each unchoke and does not go on after the piece"),
    "requests-not-after-have": ("A8", "does not ask an idle neighbor that announces a missing piece"),
    "requests-reversed": ("A8", "asks for the highest missing piece"),
    "requests-rarest-first": ("A8", "asks for the piece that the fewest neighbors have"),
    "requests-fixed-seed": ("A8", "asks in the same random order in each run"),
    "requests-one-neighbor": ("A8", "asks a neighbor only when no other owes a piece"),
    "requests-never": ("A8", "sends no request"),
    "requests-blocks": ("A8", "asks for blocks of a piece, as BitTorrent does"),
    # Pieces.
    "pieces-last-padded": ("A1", "pads the last piece with zero bytes to the whole size"),
    "pieces-last-awaited-in-full": ("A1", "waits for PieceSize bytes of the last piece"),
    "pieces-without-index": ("A5", "sends the bytes of a piece without its index"),
    "pieces-count-rounded-down": ("A1", "counts floor(FileSize / PieceSize) pieces"),
    "pieces-have-early": ("A5", "announces a piece when it asks for it"),
    "pieces-have-never": ("A5", "announces no piece"),
    "pieces-no-have-when-complete": ("A5", "does not announce the piece that completes its file"),
    "pieces-have-to-some": ("A5", "announces a piece only to the neighbor that sent it"),
    "pieces-have-to-lacking-only": ("A5", "announces a piece only to the neighbors that lack it"),
    "pieces-last-by-remainder": ("A1", "takes FileSize mod PieceSize for the last piece's length, also if that is 0"),
    "pieces-never-sent": ("A5", "does not answer requests"),
    "pieces-wrong-content": ("A5", "sends the first bytes of the file for each piece"),
    "pieces-sent-twice": ("A5", "sends each piece twice"),
    "pieces-short-stops": ("A5", "asks nobody again for a piece that came with a wrong length"),
    "pieces-stops-after-last": ("A5", "closes the connection when it has sent the last, shorter piece"),
    "pieces-have-twice": ("A5", "announces each piece twice"),
    "pieces-haves-ignored": ("A5", "logs haves and does nothing else with them"),
    # End.
    "end-never": ("A9", "keeps its connections and stays when all are complete"),
    "end-only-by-signal": ("A9", "closes its connections and ends when SIGTERM or SIGINT comes, with status 0"),
    "end-when-itself-complete": ("A9", "ends when it has the complete file"),
    "end-when-others-complete": ("A9", "ends when all its neighbors are complete, though it is not"),
    "end-on-first-close": ("A9", "ends when one neighbor closes"),
    "end-process-stays": ("A9", "closes its connections, but a worker thread keeps the process"),
    "end-hangs-if-others-close-first": ("A9", "forgets a complete neighbor that closes, and waits for it"),
    "end-last-have-lost": ("A9", "exits before its last have is sent"),
    "end-complete-from-bitfield-ignored": ("A9", "counts neighbors as complete only from haves"),
    "end-complete-from-haves-ignored": ("A9", "counts neighbors as complete only from bitfields"),
    "end-resets": ("B", "resets its connections instead of closing them"),
    "end-late": ("A9", "ends 20 s after all are complete"),
    "end-status-1": ("A9", "ends with status 1"),
    "end-crashes-when-complete": ("A9", "crashes when it has the complete file and others lack pieces"),
    "end-crashes-on-loss": ("A9", "crashes when a neighbor goes away"),
    # Files.
    "files-seeder-overwritten": ("A2", "truncates the seeder's file after reading it"),
    "files-elsewhere": ("A2", "keeps its copy in the working directory"),
    "files-in-id-directory": ("A2", "keeps its copy in a directory named by the ID alone"),
    "files-pieces-kept": ("A2", "leaves each piece as a file of its own beside the copy"),
    "files-padded": ("A2", "writes a copy whose size is a multiple of PieceSize"),
    "files-other-name": ("A2", "names its copy after a name of its own"),
    "files-never-written": ("A2", "keeps the copy in memory only"),
    "files-in-order-of-arrival": ("A2", "writes the pieces one behind the other as they come"),
    "files-seeder-in-id-directory": ("A2", "looks for the seeder's file in the directory named by the ID alone"),
    "files-old-copy-taken": ("A2", "takes a file on the disk for its own copy, whatever its line says"),
    # Log.
    "log-missing-makes": ("A10", "does not log the connections that it makes"),
    "log-missing-connected-from": ("A10", "does not log the connections that it accepts"),
    "log-missing-preferred": ("A10", "does not log its preferred neighbors"),
    "log-missing-optimistic": ("A10", "does not log its optimistically unchoked neighbor"),
    "log-missing-unchoked": ("A10", "does not log unchokes"),
    "log-missing-choked": ("A10", "does not log chokes"),
    "log-missing-have": ("A10", "does not log haves"),
    "log-missing-interested": ("A10", "does not log 'interested' messages"),
    "log-missing-not-interested": ("A10", "does not log 'not interested' messages"),
    "log-missing-downloaded": ("A10", "does not log pieces"),
    "log-missing-complete": ("A10", "does not log that it has the complete file"),
    "log-recieved": ("A10", "writes 'recieved'"),
    "log-quotes": ("A10", "writes message names without quotes"),
    "log-curly-quotes": ("A10", "writes message names in curly quotes"),
    "log-by-peer": ("A10", "writes 'by Peer 1002' where the text has 'by 1002'"),
    "log-id-in-brackets": ("A10", "writes its own ID in brackets"),
    "log-no-full-stop": ("A10", "ends its sentences without a full stop"),
    "log-no-time": ("A10", "writes no time"),
    "log-doubled-blanks": ("A10", "writes two blanks after the colon"),
    "log-preferred-spaces": ("A10", "writes ', ' between the preferred neighbors"),
    "log-preferred-in-brackets": ("A10", "writes the preferred neighbors in brackets"),
    "log-preferred-trailing-comma": ("A10", "writes a comma behind the last preferred neighbor"),
    "log-preferred-empty": ("A10", "logs an empty list of preferred neighbors at each tick"),
    "log-have-without-index": ("A10", "logs a have without its piece"),
    "log-downloaded-without-count": ("A10", "logs a piece without the number of pieces"),
    "log-count-off-by-one": ("A10", "logs the number of pieces before the new one is counted"),
    "log-lines-twice": ("A10", "writes each line twice"),
    "log-extra-lines": ("A10", "writes a debug line for each request"),
    "log-header-line": ("A10", "begins the file with a line of its own"),
    "log-logging-prefix": ("A10", "writes the prefix of Python's logging before each line"),
    "log-ansi": ("A10", "writes colors into the file"),
    "log-appended": ("A10", "appends to the log of an earlier run"),
    "log-elsewhere": ("A10", "writes its log into log/"),
    "log-in-peer-directory": ("A10", "writes its log into the peer's own directory"),
    "log-id-in-brackets-in-name": ("A10", "names its log log_peer_[ID].log"),
    "log-both-make": ("A10", "logs accepted connections as its own"),
    "log-other-words": ("A10", "writes 'got' where the text has 'received'"),
    "log-from-peer": ("A10", "writes 'from Peer 1002' where the text has 'from 1002'"),
    "log-preferred-in-braces": ("A10", "writes the preferred neighbors in braces"),
    "log-optimistic-of-first": ("A10", "logs its first neighbor as the optimistic one, whichever it unchoked"),
    "log-time-backwards": ("A10", "writes times that go backwards"),
    "log-date-in-name": ("A10", "writes the date into the log's name"),
    # Start.
    "start-dials-all": ("A3", "dials all lines, not only the earlier ones"),
    "start-dials-once": ("A3", "gives a neighbor up that does not answer the first call"),
    "start-dials-one-before": ("A3", "dials only the line before its own"),
    "start-dials-lower-ids": ("A3", "dials the lower IDs instead of the earlier lines"),
    "start-waits-for-all": ("A3", "exchanges nothing until all connections stand"),
    "start-deaf-at-first": ("A3", "drops the messages of a connection's first 2 s"),
    "start-first-line-is-seeder": ("A1", "takes only the first line for a seeder"),
    "start-needs-crlf-free": ("A1", "dies on CRLF"),
    "start-needs-no-trailing-blanks": ("A1", "dies on trailing blanks"),
    "start-needs-no-blank-lines": ("A1", "dies on a blank line"),
    "start-needs-last-newline": ("A1", "loses the last line if it has no newline"),
    "start-keys-by-position": ("A1", "reads Common.cfg by the order of its lines"),
    "start-other-port": ("A3", "listens on a port of its own choice"),
    "start-dials-nobody": ("A3", "dials nobody"),
    "start-two-connections": ("A3", "makes two connections to each earlier peer"),
    "start-accepts-in-order": ("A3", "accepts its callers only in the order of the lines"),
    "start-dials-before-accepting": ("A3", "accepts nobody until all its calls have succeeded"),
    "start-known-turned-away": ("A3", "turns a neighbor away that comes back"),
    "start-sends-under-lock": ("A3", "writes to a neighbor while everybody waits for the lock"),
}

_mutant, _free = None, frozenset()


def select(mutant_name, free_names):
    """Sets the variant of this process; a ValueError names what is unknown."""
    global _mutant, _free
    if mutant_name and mutant_name not in MUTANTS:
        raise ValueError(f"no mutant is named '{mutant_name}'")
    names = set(free_names)
    if "all" in names:
        names = names - {"all"} | set(FREEDOMS) - NOT_IN_ALL
    if unknown := names - set(FREEDOMS):
        raise ValueError(f"no freedom is named '{unknown.pop()}'")
    _mutant, _free = mutant_name or None, frozenset(names)


def mutant(name):
    """Whether this process is the mutant with this name."""
    assert name in MUTANTS, name
    return _mutant == name


def free(name):
    """Whether this process uses the freedom with this name."""
    assert name in FREEDOMS, name
    return name in _free


def print_list():
    """Prints both tables: name, section, sentence."""
    for title, table in ("Correct variants (--free)", FREEDOMS), ("Wrong variants (--mutant)", MUTANTS):
        print(title)
        for name, (section, sentence) in table.items():
            print(f"  {name:38} {section:4} {sentence[0].upper()}{sentence[1:]}.")


def from_environment():
    """The names in PEER_MUTANT and PEER_FREE."""
    return os.environ.get("PEER_MUTANT"), os.environ.get("PEER_FREE", "").replace(",", " ").split()
