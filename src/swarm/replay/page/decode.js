// Decodes the chunks that `data.rs` encodes. Times are microseconds since the record's origin.

/** The codes of events, as in `code_of` of `data.rs`. */
const CODE = {
  makes: 0, connectedFrom: 1, connectedWith: 2, preferred: 3, optimistic: 4, unchokedBy: 5, chokedBy: 6, have: 7,
  interested: 8, notInterested: 9, downloaded: 10, count: 11, complete: 12, handshakeReceived: 13, handshakeSent: 14,
  closedBadly: 15, closed: 16, preferredTick: 17, optimisticTick: 18, message: 32,
};
/** Marks the code of an entry from an event file. */
const OF_EVENTS = 0x80;
/** Stands for a number or a neighbor that is not told. */
const NONE = -1;

/** Returns the bytes of a text in base64. */
function bytesOf(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** Reads numbers of seven bits a byte, the lowest first. */
class Column {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  next() {
    let byte = this.bytes[this.at++];
    if (byte < 0x80) return byte;
    // Shifts would cut numbers at 32 bits, and microseconds have more.
    let number = byte & 0x7f;
    let place = 128;
    do {
      byte = this.bytes[this.at++];
      number += (byte & 0x7f) * place;
      place *= 128;
    } while (byte >= 0x80);
    return number;
  }

  nextSigned() {
    const number = this.next();
    return number % 2 ? -(number + 1) / 2 : number / 2;
  }
}

/** Reports whether an event with this code has a piece or another number. */
function hasNumber(code) {
  return code === CODE.have || code === CODE.downloaded || code >= CODE.message;
}

/**
 * Decodes a chunk into columns. A neighbor is the place of a peer, or `peerCount` + the ID of a stranger.
 * `lists` has the preferred neighbors by the entry's number in the chunk.
 */
function decodeChunk(bytes, peerCount) {
  const headerLength = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + headerLength)));
  let at = 4 + headerLength;
  const columns = header.columns.map((length) => new Column(bytes.subarray(at, (at += length))));
  const [times, peers, codes, neighbors, numbers, lines, counts, lists] = columns;
  const n = header.entries;
  const chunk = {
    length: n,
    times: new Float64Array(n),
    peers: new Uint16Array(n),
    codes: codes.bytes,
    neighbors: new Float64Array(n),
    numbers: new Int32Array(n).fill(NONE),
    lines: new Uint32Array(n),
    counts: new Int32Array(n).fill(NONE),
    lists: new Map(),
  };
  const lastLines = new Map();
  const lastCounts = new Map();
  let time = header.start;
  for (let i = 0; i < n; i++) {
    time += times.next();
    chunk.times[i] = time;
    const peer = peers.next();
    chunk.peers[i] = peer;
    const code = codes.bytes[i] & ~OF_EVENTS;
    chunk.neighbors[i] = neighbors.next() - 1;
    if (hasNumber(code)) chunk.numbers[i] = numbers.next() - 1;
    const file = 2 * peer + (codes.bytes[i] >> 7);
    const line = (lastLines.get(file) ?? 0) + lines.next();
    lastLines.set(file, line);
    chunk.lines[i] = line;
    if (code === CODE.downloaded || code === CODE.count) {
      const count = (lastCounts.get(peer) ?? 0) + counts.nextSigned();
      lastCounts.set(peer, count);
      chunk.counts[i] = count;
    } else if (code === CODE.preferred || code === CODE.preferredTick) {
      chunk.lists.set(i, Array.from({ length: lists.next() }, () => lists.next() - 1));
    }
  }
  return chunk;
}
