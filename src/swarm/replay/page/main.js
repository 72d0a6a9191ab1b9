// Puts the page together: decodes the record, and draws all views once a frame if something has changed.

class App {
  constructor(head) {
    this.take(head);
    this.theme = new Theme(() => this.refresh());
    this.colors = peerColors(head.peers.length);
    this.clock = new Clock(() => this.redraw());
    /** The place of the selected peer, if one is. */
    this.selected = null;
    /** The number of entries up to the cursor's time, and the entry that the list shows. */
    this.cursor = 0;
    this.focus = -1;
    this.views = [];
  }

  /** Begins with a record of which there is no entry yet. */
  take(head) {
    this.store = new Store(head);
    this.links = new Links(this.store);
    /** The lines that marks point to. */
    this.marked = new Set(head.marks.map((mark) => mark.place));
  }

  /** Takes a chunk of the record. */
  append(chunk) {
    const from = this.store.append(decodeChunk(chunk, this.store.peerCount));
    this.links.forget(from);
  }

  /** Shows what a running swarm has done since the last time: chunks for the same record, or for another one. */
  grow(head, chunks, isOther) {
    if (isOther) this.take(head);
    this.store.head = head;
    chunks.forEach((chunk) => this.append(chunk));
    this.clock.grow(this.store.end, head.is_live);
    if (isOther) {
      this.target = null;
      this.clock.time = Math.min(this.clock.time, this.clock.end);
      this.timeline.showMarks();
    }
    this.refresh(true);
  }

  show() {
    this.clock.fit(this.store.end);
    this.graph = new Graph(this);
    this.pieces = new Pieces(this);
    this.rates = new Rates(this);
    this.timeline = new Timeline(this);
    this.events = new Events(this);
    this.views = [this.timeline, this.graph, this.pieces, this.rates, this.events];
    listenToKeys(this);
    this.clock.isLive = this.store.head.is_live;
    this.begin();
    addEventListener("hashchange", () => this.followHash());
  }

  /** The cursor begins where the address says, else at the end of a run that goes on, at the first violation, or at the start. */
  begin() {
    if (!location.hash && this.clock.isLive) this.clock.follow();
    const [first] = this.store.head.marks.filter((mark) => !mark.is_unclear).sort((a, b) => a.at - b.at);
    if (!this.followHash() && first) this.jump(first);
    this.redraw();
  }

  /** Goes to the second after `#t=`; returns whether there is one. */
  followHash() {
    const found = /^#t=([\d.]+)$/.exec(location.hash);
    const seconds = Number(found?.[1] ?? NaN);
    if (Number.isFinite(seconds)) this.clock.seek(seconds * MICROS);
    return Number.isFinite(seconds);
  }

  /** Draws all again, also what is kept from frame to frame. `hasGrown` tells that nothing else has changed. */
  refresh(hasGrown = false) {
    describe(this.store.head, this.store);
    for (const view of this.views) view.refresh?.(hasGrown);
    this.redraw();
  }

  redraw() {
    if (this.isWaiting || !this.views.length) return;
    this.isWaiting = true;
    requestAnimationFrame(() => {
      this.isWaiting = false;
      this.draw();
    });
  }

  draw() {
    this.cursor = this.store.after(this.clock.time);
    // A jump has named its entry; it counts as long as the cursor stands there.
    if (this.target?.time === this.clock.time) this.focus = this.target.entry;
    else this.focus = this.cursor - 1;
    this.links.seek(this.cursor);
    for (const view of this.views) view.draw();
  }

  select(peer) {
    this.selected = peer;
    this.redraw();
  }

  /** Moves the cursor to an entry. */
  goTo(entry) {
    const time = this.store.columns.times[entry];
    this.target = { time, entry };
    this.clock.seek(time);
  }

  /** Moves by an entry, or by a second. */
  step(by, isSecond) {
    if (isSecond) return this.clock.seek(this.clock.time + by * SECOND);
    const cursor = this.store.after(this.clock.time);
    const focus = this.target?.time === this.clock.time ? this.target.entry : cursor - 1;
    const entry = focus + by;
    if (entry >= 0 && entry < this.store.length) this.goTo(entry);
  }

  /** Moves to a mark, and shows its line in the list. */
  jump(mark) {
    this.seekLine(mark);
    this.reached = { mark, time: this.clock.time };
  }

  seekLine(mark) {
    const { store } = this;
    const end = store.after(mark.at);
    for (let i = store.after(mark.at, store.length, true); i < end; i++) {
      if (store.columns.peers[i] === mark.peer && store.line(i) === mark.place) return this.goTo(i);
    }
    this.clock.seek(mark.at);
  }
}

/** Says what the page shows, and what the logs do not tell exactly. */
function describe(head, store) {
  document.getElementById("title").textContent = head.title;
  const lines = head.peers.flatMap((peer) => peer.files).reduce((sum, file) => sum + (file?.lines ?? 0), 0);
  document.getElementById("summary").textContent =
    `${counted(head.peers.length, "peer")} · ${bytes(head.file_size)} in ${counted(head.piece_count, "piece")} · ` +
    `${elapsed(store.end, 1)} · ${counted(lines, "line")}`;
  document.getElementById("files").replaceChildren(...head.peers.map((peer) => {
    const entry = document.createElement("li");
    const words = peer.files.filter(Boolean).map(wordsOfFile);
    if (!words.length) words.push(head.is_live ? "no log yet" : "no log was found");
    if (peer.offset) {
      const direction = peer.offset > 0 ? "fast" : "slow";
      words.push(`its clock is ${elapsed(Math.abs(peer.offset))} ${direction}; the page corrects that`);
    }
    entry.textContent = `${peer.id}${peer.has_file ? " (starts with the file)" : ""}: ${words.join("; ")}`;
    return entry;
  }));
}

function wordsOfFile(file) {
  const words = [file.name, counted(file.lines, "line")];
  if (!file.has_times) words.push("no times: its events are spread evenly over the run");
  else if (file.coarse) words.push(`times of ${elapsed(file.coarse, 0)}: events inside a step are spread evenly, in their order`);
  if (file.unread) words.push(`${counted(file.unread, "line")} not understood`);
  if (file.of_others) words.push(`${counted(file.of_others, "line")} of other peers`);
  if (file.is_cut) words.push("too long: the rest is left out");
  return [...words, ...file.look].join(", ");
}

/** The page's application; a page of a running swarm has none before the first answer. */
let app = null;

function show(head, chunks) {
  app = new App(head);
  for (const chunk of chunks) app.append(chunk);
  app.show();
  app.refresh();
}

const told = JSON.parse(document.getElementById("head").textContent);
if (told) {
  show(told, function* () {
    for (const element of document.querySelectorAll("script.chunk")) {
      yield bytesOf(element.textContent);
      // The text is not needed any more, and is long.
      element.remove();
    }
  }());
} else {
  new Live().ask();
}
