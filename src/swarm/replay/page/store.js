// The entries of all chunks, in the order of their times, and what can be looked up in them without walking through all.

/** Number of entries for which there is room at first. */
const FIRST_ROOM = 1 << 16;
/** The entry at which a piece was there from the beginning, and at which it never came. */
const FROM_START = -1;
const NEVER = 0x7fffffff;
/** Maximum number of peers times pieces. With more, the page leaves the map of the pieces out. */
const MOST_CELLS = 5e7;
/** Stands for a source that has no place. */
const NO_SOURCE = 0xffff;

class Store {
  /** `head` is the page's head, as `page.rs` writes it. */
  constructor(head) {
    this.head = head;
    this.peerCount = head.peers.length;
    this.pieceCount = head.piece_count;
    /** IDs that PeerInfo.cfg does not have; they follow the peers as neighbors. */
    this.strangers = [];
    this.strangerPlaces = new Map();
    this.length = 0;
    this.columns = {
      times: new Float64Array(FIRST_ROOM),
      peers: new Uint16Array(FIRST_ROOM),
      codes: new Uint8Array(FIRST_ROOM),
      neighbors: new Int32Array(FIRST_ROOM),
      numbers: new Int32Array(FIRST_ROOM),
      lines: new Uint32Array(FIRST_ROOM),
      counts: new Int32Array(FIRST_ROOM),
    };
    this.lists = new Map();
    this.forget();
  }

  /** Forgets what is derived from the entries. */
  forget() {
    this.isMapped = this.peerCount * this.pieceCount <= MOST_CELLS;
    const cells = this.isMapped ? this.peerCount * this.pieceCount : 0;
    /** For each peer and piece: the entry that brought it, and from whom. */
    this.acquired = new Int32Array(cells).fill(NEVER);
    this.sources = new Uint16Array(cells);
    /** For each peer: the entries that brought a new piece, and those that tell how many it has. */
    this.gains = this.head.peers.map(() => []);
    this.told = this.head.peers.map(() => []);
    this.completes = this.head.peers.map(() => NEVER);
    this.head.peers.forEach((peer, place) => {
      if (!peer.has_file) return;
      this.acquired.fill(FROM_START, place * this.pieceCount, (place + 1) * this.pieceCount);
      this.completes[place] = FROM_START;
    });
  }

  /** Adds a chunk. Entries that are older than the last one are sorted in; returns the first entry that is new or moved. */
  append(chunk) {
    this.reserve(this.length + chunk.length);
    const base = this.length;
    const { times, peers, codes, neighbors, numbers, lines, counts } = this.columns;
    times.set(chunk.times, base);
    peers.set(chunk.peers, base);
    codes.set(chunk.codes, base);
    numbers.set(chunk.numbers, base);
    lines.set(chunk.lines, base);
    counts.set(chunk.counts, base);
    for (let i = 0; i < chunk.length; i++) neighbors[base + i] = this.placeOf(chunk.neighbors[i]);
    for (const [i, list] of chunk.lists) this.lists.set(base + i, list.map((neighbor) => this.placeOf(neighbor)));
    this.length += chunk.length;
    if (base > 0 && chunk.length > 0 && chunk.times[0] < times[base - 1]) return this.sort(chunk.times[0]);
    this.derive(base);
    return base;
  }

  reserve(length) {
    let room = this.columns.times.length;
    if (length <= room) return;
    while (room < length) room *= 2;
    for (const [name, column] of Object.entries(this.columns)) {
      const wider = new column.constructor(room);
      wider.set(column.subarray(0, this.length));
      this.columns[name] = wider;
    }
  }

  /** Returns the place of a neighbor; each stranger gets one when it is first met. */
  placeOf(neighbor) {
    if (neighbor < this.peerCount) return neighbor;
    const id = neighbor - this.peerCount;
    let place = this.strangerPlaces.get(id);
    if (place === undefined) {
      place = this.strangers.push(id) - 1;
      this.strangerPlaces.set(id, place);
    }
    return this.peerCount + place;
  }

  /** Sorts the entries from this time on. Only a running swarm needs it, whose logs are not read at the same moment. */
  sort(from) {
    const start = this.after(from, this.length - 1, true);
    const order = Array.from({ length: this.length - start }, (_, i) => start + i);
    order.sort((a, b) => this.columns.times[a] - this.columns.times[b] || a - b);
    for (const column of Object.values(this.columns)) {
      const old = column.slice(start, this.length);
      order.forEach((was, i) => (column[start + i] = old[was - start]));
    }
    const lists = new Map([...this.lists].filter(([i]) => i < start));
    order.forEach((was, i) => this.lists.has(was) && lists.set(start + i, this.lists.get(was)));
    this.lists = lists;
    this.forget();
    this.derive(0);
    return start;
  }

  /** Fills in what is derived from the entries from `start` on. */
  derive(start) {
    const { peers, codes, neighbors, numbers, counts } = this.columns;
    for (let i = start; i < this.length; i++) {
      const code = codes[i] & ~OF_EVENTS;
      if (code === CODE.complete && this.completes[peers[i]] === NEVER) this.completes[peers[i]] = i;
      if (counts[i] !== NONE) this.told[peers[i]].push(i);
      if (code !== CODE.downloaded) continue;
      const piece = numbers[i];
      const cell = peers[i] * this.pieceCount + piece;
      const isKnown = this.isMapped && piece >= 0 && piece < this.pieceCount;
      if (!isKnown || this.acquired[cell] === NEVER) this.gains[peers[i]].push(i);
      if (!isKnown || this.acquired[cell] !== NEVER) continue;
      this.acquired[cell] = i;
      this.sources[cell] = neighbors[i] < 0 ? NO_SOURCE : Math.min(neighbors[i], NO_SOURCE);
    }
  }

  /** Returns the number of entries up to this time: the cursor behind the last of them. `isBefore` leaves equal times out. */
  after(time, length = this.length, isBefore = false) {
    const { times } = this.columns;
    let [low, high] = [0, length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle] < time || (!isBefore && times[middle] === time)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The last entry's time. */
  get end() {
    return this.length ? this.columns.times[this.length - 1] : 0;
  }

  code(i) {
    return this.columns.codes[i] & ~OF_EVENTS;
  }

  /** Returns the number of pieces that a peer has at the cursor: the last one that its log tells, and what came since. */
  pieces(peer, cursor) {
    if (this.head.peers[peer].has_file) return this.pieceCount;
    const gained = countBelow(this.gains[peer], cursor);
    const number = countBelow(this.told[peer], cursor);
    if (!number) return gained;
    const last = this.told[peer][number - 1];
    return this.columns.counts[last] + gained - countBelow(this.gains[peer], last + 1);
  }

  /** Returns the ID of a peer or stranger; `?` if a line does not tell it. */
  id(place) {
    if (place < 0) return "?";
    return String(place < this.peerCount ? this.head.peers[place].id : this.strangers[place - this.peerCount]);
  }

  /** Returns the file and line of an entry, such as `log_peer_1001.log:17`. */
  line(i) {
    const { peers, codes, lines } = this.columns;
    return `${this.head.peers[peers[i]].files[codes[i] >> 7]?.name}:${lines[i]}`;
  }
}

/** Returns how many numbers of a sorted list are below this one. */
function countBelow(list, limit) {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
