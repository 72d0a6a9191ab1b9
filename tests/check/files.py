"""The two configuration files, the copy on disk, and the log."""

import os
import threading
import time

from variants import free, mutant

KEYS = ["NumberOfPreferredNeighbors", "UnchokingInterval", "OptimisticUnchokingInterval", "FileName", "FileSize", "PieceSize"]


def rows(path):
    """The words of each line that has some."""
    with open(path, "rb") as file:
        text = file.read().decode("utf-8-sig")
    if mutant("start-needs-crlf-free") and "\r" in text:
        raise ValueError(f"{path}: invalid number: '1\\r'")
    lines = text.split("\n")
    if mutant("start-needs-last-newline"):
        lines = lines[:-1]
    if mutant("start-needs-no-trailing-blanks") and any(line.rstrip("\r").endswith((" ", "\t")) for line in lines):
        raise ValueError(f"{path}: invalid number: ''")
    if mutant("start-needs-no-blank-lines") and not all(line.strip() for line in text.rstrip("\r\n").split("\n")):
        raise ValueError(f"{path}: list index out of range")
    return [line.split() for line in lines if line.strip()]


class Config:
    """What both files say to the peer with this ID (protocol A1)."""

    def __init__(self, ident):
        common = dict(row[:2] for row in rows("Common.cfg"))
        if mutant("start-keys-by-position"):
            common = dict(zip(KEYS, (row[1] for row in rows("Common.cfg"))))
        self.k, self.p, self.m = (int(common[key]) for key in KEYS[:3])
        self.file_name = common["FileName"]
        self.file_size, self.piece_size = int(common["FileSize"]), int(common["PieceSize"])
        self.piece_count = -(-self.file_size // self.piece_size)
        if mutant("pieces-count-rounded-down"):
            self.piece_count = self.file_size // self.piece_size
        lines = rows("PeerInfo.cfg")
        self.ids = [int(line[0]) for line in lines]
        self.addresses = {int(line[0]): (line[1], int(line[2])) for line in lines}
        place = self.ids.index(ident)
        self.earlier, self.later = self.ids[:place], self.ids[place + 1 :]
        self.has_file = lines[place][3] == "1"
        if mutant("start-first-line-is-seeder"):
            self.has_file = place == 0
        if mutant("start-dials-lower-ids"):
            self.earlier = [other for other in self.ids if other < ident]
            self.later = [other for other in self.ids if other > ident]

    def size_of(self, piece):
        """The number of bytes of a piece; only the last may be shorter."""
        if mutant("pieces-last-by-remainder") and piece == self.piece_count - 1:
            return self.file_size % self.piece_size
        return min(self.piece_size, self.file_size - piece * self.piece_size)


class Copy:
    """The pieces on disk (protocol A2). A download has the name FILE.part until it is complete."""

    def __init__(self, config, ident):
        self.config = config
        self.directory = f"peer_{ident}"
        self.path = os.path.join(self.directory, config.file_name)
        self.arrived = {}  # pieces in memory; only a mutant keeps them there
        if mutant("files-seeder-in-id-directory") and config.has_file:
            self.path = os.path.join(str(ident), config.file_name)
        if config.has_file or mutant("files-old-copy-taken") and os.path.exists(self.path):
            self.pieces = set(range(config.piece_count))
            self.file = open(self.path, "rb")
            if mutant("files-seeder-overwritten"):
                self.overwrite_seeder()
            return
        self.pieces = set()
        if mutant("files-elsewhere"):
            self.directory, self.path = ".", config.file_name
        if mutant("files-in-id-directory"):
            self.directory, self.path = str(ident), os.path.join(str(ident), config.file_name)
        if mutant("files-other-name"):
            self.path = os.path.join(self.directory, "downloaded_file")
        os.makedirs(self.directory, exist_ok=True)
        self.unfinished = self.path if free("no-part-file") else self.path + ".part"
        if mutant("files-never-written"):
            import io

            self.unfinished, self.file = None, io.BytesIO()
        else:
            self.file = open(self.unfinished, "w+b")

    def overwrite_seeder(self):
        import io

        self.file = io.BytesIO(self.file.read())
        open(self.path, "wb").close()

    @property
    def is_complete(self):
        return len(self.pieces) == self.config.piece_count

    def read(self, piece):
        if piece in self.arrived:
            return self.arrived[piece]
        self.file.seek(piece * self.config.piece_size)
        return self.file.read(self.config.size_of(piece))

    def write(self, piece, data):
        self.file.seek(piece * self.config.piece_size)
        if mutant("files-in-order-of-arrival"):
            self.arrived[piece] = data
            self.file.seek(0, os.SEEK_END)
        self.file.write(data)
        self.file.flush()
        self.pieces.add(piece)
        if mutant("files-pieces-kept"):
            with open(os.path.join(self.directory, f"piece_{piece}"), "wb") as file:
                file.write(data)
        if self.is_complete:
            self.finish()

    def finish(self):
        if mutant("files-padded"):
            self.file.truncate(self.config.piece_count * self.config.piece_size)
        if self.unfinished and self.unfinished != self.path:
            os.replace(self.unfinished, self.path)


# The eleven sentences of protocol A10.
SENTENCES = {
    "makes": "makes a connection to Peer {}.",
    "connected-from": "is connected from Peer {}.",
    "preferred": "has the preferred neighbors {}.",
    "optimistic": "has the optimistically unchoked neighbor {}.",
    "unchoked": "is unchoked by {}.",
    "choked": "is choked by {}.",
    "have": "received the 'have' message from {} for the piece {}.",
    "interested": "received the 'interested' message from {}.",
    "not-interested": "received the 'not interested' message from {}.",
    "downloaded": "has downloaded the piece {} from {}. Now the number of pieces it has is {}.",
    "complete": "has downloaded the complete file.",
}


class Log:
    """The log of one peer: the eleven sentences and nothing else."""

    def __init__(self, ident):
        self.id = ident
        self.lock = threading.Lock()
        path = f"log_peer_{ident}.log"
        if mutant("log-elsewhere"):
            path = os.path.join("log", path)
        if mutant("log-in-peer-directory"):
            path = os.path.join(f"peer_{ident}", path)
        if mutant("log-id-in-brackets-in-name"):
            path = f"log_peer_[{ident}].log"
        if mutant("log-date-in-name"):
            path = f"log_peer_{ident}_{time.strftime('%Y-%m-%d')}.log"
        self.count = 0  # lines that are written
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        self.file = open(path, "a" if mutant("log-appended") else "w", encoding="utf-8")
        if mutant("log-header-line"):
            self.file.write(f"===== Log of Peer {ident} =====\n")
            self.file.flush()

    def write(self, name, *words):
        """Writes one of the sentences."""
        if mutant(f"log-missing-{name}"):
            return
        self.line(self.sentence(name, *words))

    def sentence(self, name, *words):
        if mutant("log-both-make") and name == "connected-from":
            name = "makes"
        text = SENTENCES[name]
        if mutant("log-recieved"):
            text = text.replace("received", "recieved")
        if mutant("log-other-words"):
            text = text.replace("received", "got")
        if mutant("log-from-peer"):
            text = text.replace("from {}", "from Peer {}")
        if mutant("log-quotes"):
            text = text.replace("'", "")
        if mutant("log-curly-quotes"):
            text = text.replace(" '", " \u2018").replace("' ", "\u2019 ")
        if mutant("log-by-peer"):
            text = text.replace("by {}", "by Peer {}")
        if mutant("log-have-without-index"):
            text = text.replace(" for the piece {}", "")
        if mutant("log-downloaded-without-count"):
            text = text.replace(" Now the number of pieces it has is {}.", "")
        if mutant("log-count-off-by-one") and name == "downloaded":
            words = (*words[:-1], words[-1] - 1)
        if mutant("log-no-full-stop"):
            text = text[:-1]
        return text.format(*words)

    def preferred(self, ids):
        """Writes the list of preferred neighbors."""
        ids = [str(ident) for ident in sorted(ids)]
        text = (", " if mutant("log-preferred-spaces") else ",").join(ids)
        if mutant("log-preferred-in-brackets"):
            text = f"[{text}]"
        if mutant("log-preferred-in-braces"):
            text = f"{{{text}}}"
        if mutant("log-preferred-trailing-comma"):
            text += ","
        self.write("preferred", text)

    def line(self, text):
        form = "%d/%m/%Y %H:%M:%S" if free("other-time-form") else "%Y-%m-%d %H:%M:%S"
        peer = f"Peer [{self.id}]" if mutant("log-id-in-brackets") else f"Peer {self.id}"
        self.count += 1
        seconds = time.time() - (self.count if mutant("log-time-backwards") else 0)
        line = f"[{time.strftime(form, time.localtime(seconds))}]: {peer} {text}\n"
        if mutant("log-no-time"):
            line = f"{peer} {text}\n"
        if mutant("log-doubled-blanks"):
            line = line.replace("]: ", "]:  ")
        if mutant("log-logging-prefix"):
            line = "INFO:peer:" + line
        if mutant("log-ansi"):
            line = f"\x1b[32m{line[:-1]}\x1b[0m\n"
        with self.lock:
            self.file.write(line * 2 if mutant("log-lines-twice") else line)
            self.file.flush()

    def debug(self, text):
        """Writes a line that does not belong there."""
        if mutant("log-extra-lines"):
            self.line(text)
