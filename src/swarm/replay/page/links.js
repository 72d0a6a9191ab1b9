// What stands between any two peers at the cursor. Snapshots make a jump as cheap as a step.

/** The flags of a link from one peer to another. `interested` is the first one's, the others are what it gives. */
const LINK = { connected: 1, interested: 2, unchoked: 4, preferred: 8, optimistic: 16 };
/** The bits above the flags count the connections to the other peer that the first one's event file has opened, up to seven. */
const [FLAGS, OPEN, MOST_OPEN] = [31, 32, 7];
/** Number of entries between two snapshots; more with many peers, so that all snapshots together stay small. */
const SNAPSHOT_EVERY = 4096;
const PEERS_PER_STEP = 64;

class Links {
  constructor(store) {
    this.store = store;
    this.count = store.peerCount;
    this.every = SNAPSHOT_EVERY * Math.ceil(this.count / PEERS_PER_STEP);
    this.snapshots = [];
    this.reset();
  }

  reset() {
    this.cursor = 0;
    this.flags = new Uint8Array(this.count * this.count);
  }

  /** Forgets the snapshots behind this entry, because entries there have changed. */
  forget(from) {
    this.snapshots.length = Math.min(this.snapshots.length, Math.floor(from / this.every) + 1);
    if (this.cursor > from) this.seek(from);
  }

  /** Moves to the state behind `cursor` entries. */
  seek(cursor) {
    const nearest = Math.min(Math.floor(cursor / this.every), this.snapshots.length - 1);
    const start = nearest * this.every;
    if (cursor < this.cursor || start > this.cursor) {
      if (nearest >= 0) {
        this.cursor = start;
        this.flags.set(this.snapshots[nearest]);
      } else {
        this.reset();
      }
    }
    while (this.cursor < cursor) {
      if (this.cursor === this.snapshots.length * this.every) this.snapshots.push(this.flags.slice());
      this.apply(this.cursor++);
    }
  }

  of(from, to) {
    return this.flags[from * this.count + to] & FLAGS;
  }

  /** Adds to the open connections of a peer, and returns how many there are now. */
  open(own, other, by) {
    if (own < 0 || other < 0 || own >= this.count || other >= this.count) return 0;
    const cell = own * this.count + other;
    const number = Math.min(Math.max((this.flags[cell] >> 5) + by, 0), MOST_OPEN);
    this.flags[cell] = (this.flags[cell] & FLAGS) | (number * OPEN);
    return number;
  }

  set(from, to, flag, is = true) {
    if (from < 0 || to < 0 || from >= this.count || to >= this.count) return;
    if (is) this.flags[from * this.count + to] |= flag;
    else this.flags[from * this.count + to] &= ~flag;
  }

  apply(i) {
    const { peers, neighbors } = this.store.columns;
    const [own, other] = [peers[i], neighbors[i]];
    const code = this.store.code(i);
    if (code >= CODE.message) return this.applyMessage(code - CODE.message, own, other);
    switch (code) {
      case CODE.makes:
      case CODE.connectedFrom:
      case CODE.connectedWith:
        this.set(own, other, LINK.connected);
        this.set(other, own, LINK.connected);
        break;
      // An event file knows whose a handshake is only if the connection became that neighbor's.
      case CODE.handshakeSent:
        this.open(own, other, 1);
        break;
      case CODE.closed:
      case CODE.closedBadly:
        // A connection that came later may be open.
        if (this.open(own, other, -1) > 0) break;
        this.set(own, other, FLAGS, false);
        this.set(other, own, FLAGS, false);
        break;
      // The sender's flag: the log of the receiver tells it.
      case CODE.unchokedBy:
        this.set(other, own, LINK.unchoked);
        break;
      case CODE.chokedBy:
        this.set(other, own, LINK.unchoked, false);
        break;
      case CODE.interested:
        this.set(other, own, LINK.interested);
        break;
      case CODE.notInterested:
        this.set(other, own, LINK.interested, false);
        break;
      case CODE.preferred:
      case CODE.preferredTick:
        for (let peer = 0; peer < this.count; peer++) this.set(own, peer, LINK.preferred, false);
        for (const peer of this.store.lists.get(i) ?? []) this.set(own, peer, LINK.preferred);
        break;
      case CODE.optimistic:
      case CODE.optimisticTick:
        for (let peer = 0; peer < this.count; peer++) this.set(own, peer, LINK.optimistic, false);
        this.set(own, other, LINK.optimistic);
        break;
    }
  }

  /** What a message changes; its number is that of `code_of`. A log tells only what is received. */
  applyMessage(number, own, other) {
    const [from, to] = number % 2 ? [own, other] : [other, own];
    const type = number >> 1;
    if (type < 2) this.set(from, to, LINK.unchoked, type === 1);
    else if (type < 4) this.set(from, to, LINK.interested, type === 2);
  }
}
