// Texts: what an entry says, times, bytes and counts.

const MICROS = 1e6;
/** The types of messages by their number on the wire; the last stands for all above. */
const MESSAGES = ["choke", "unchoke", "interested", "not interested", "have", "bitfield", "request", "piece", "other message"];

/** Returns the words for what happened at an entry. The peer itself is the subject. */
function wordsOf(store, i) {
  const { neighbors, numbers, counts } = store.columns;
  const code = store.code(i);
  const id = store.id(neighbors[i]);
  const number = numbers[i] === NONE ? "?" : numbers[i];
  const list = () => (store.lists.get(i) ?? []).map((place) => store.id(place)).join(", ") || "nobody";
  switch (code) {
    case CODE.makes: return `makes a connection to ${id}`;
    case CODE.connectedFrom: return `is connected from ${id}`;
    case CODE.connectedWith: return `is connected with ${id}`;
    case CODE.preferred: return `prefers ${list()}`;
    case CODE.optimistic: return `optimistically unchokes ${id}`;
    case CODE.unchokedBy: return `is unchoked by ${id}`;
    case CODE.chokedBy: return `is choked by ${id}`;
    case CODE.have: return `receives have ${number} from ${id}`;
    case CODE.interested: return `receives interested from ${id}`;
    case CODE.notInterested: return `receives not interested from ${id}`;
    case CODE.downloaded: return `has piece ${number} from ${id}${counts[i] === NONE ? "" : `, now ${counts[i]}`}`;
    case CODE.count: return `has ${counts[i]} pieces`;
    case CODE.complete: return "has the complete file";
    case CODE.handshakeReceived: return `receives the handshake of ${id}`;
    case CODE.handshakeSent: return `sends its handshake to ${id}`;
    case CODE.closed: return `ends the connection to ${id} in order`;
    case CODE.closedBadly: return `loses the connection to ${id}`;
    case CODE.preferredTick: return `ticks: prefers ${list()}`;
    case CODE.optimisticTick: return `ticks: optimistically unchokes ${neighbors[i] < 0 ? "nobody" : id}`;
  }
  const wire = code - CODE.message;
  const told = numbers[i] === NONE ? "" : ` ${numbers[i]}`;
  return `${wire % 2 ? "sends" : "receives"} ${MESSAGES[wire >> 1]}${told} ${wire % 2 ? "to" : "from"} ${id}`;
}

/** Returns microseconds since the origin, as seconds or minutes and seconds. */
function elapsed(micros, digits = 3) {
  const seconds = micros / MICROS;
  if (Math.abs(seconds) < 60) return `${seconds.toFixed(digits)} s`;
  // Rounded first, so that no 60 appears.
  const rounded = Number(Math.abs(seconds).toFixed(digits));
  const minutes = Math.floor(rounded / 60);
  const rest = (rounded - 60 * minutes).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  const hours = Math.floor(minutes / 60);
  const sign = seconds < 0 ? "-" : "";
  return hours ? `${sign}${hours}:${String(minutes % 60).padStart(2, "0")}:${rest}` : `${sign}${minutes}:${rest}`;
}

/** Returns the time of day that the peers' clocks show. Logs write it without a zone, and it was read as UTC. */
function timeOfDay(micros) {
  return Math.abs(micros) < 8e18 ? new Date(micros / 1000).toISOString().slice(11, 19) : "";
}

/** Returns bytes with a decimal unit, as `swarm` prints them. */
function bytes(number) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (number >= 1000 && unit < units.length - 1) {
    number /= 1000;
    unit++;
  }
  return `${unit === 0 || number >= 100 ? Math.round(number) : number.toPrecision(2)} ${units[unit]}`;
}

/** Returns how much is violated, and how much the logs do not settle: words, each with the class that gives their color. */
function foundIn({ violated_count: violated, unclear_count: unclear }) {
  const words = violated || !unclear ? [[counted(violated, "violation"), "violated"]] : [];
  const before = words.length ? ", " : "";
  if (unclear) words.push([`${before}${unclear.toLocaleString("en")} unclear`, "unclear"]);
  return words;
}

/** Returns `1 piece`, or `2 pieces`. */
function counted(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}
