// The list of events. Only the rows that are seen are elements, however many entries there are.

/** Height of a row in CSS pixels, as in the style sheet. */
const ROW_HEIGHT = 24;
/** Maximum height of the list: browsers stop at some 17 to 33 million pixels. A longer list scrolls more rows at once. */
const MOST_HEIGHT = 8e6;

class Events {
  constructor(app) {
    this.app = app;
    this.root = document.getElementById("events");
    this.space = document.getElementById("events-space");
    this.peer = document.getElementById("events-peer");
    this.have = document.getElementById("events-have");
    this.peer.append(new Option("all peers", ""), ...app.store.head.peers.map((peer, place) => new Option(peer.id, place)));
    this.peer.addEventListener("change", () => app.select(this.peer.value === "" ? null : Number(this.peer.value)));
    this.have.addEventListener("change", () => this.refresh());
    this.root.addEventListener("scroll", () => this.fill());
    new ResizeObserver(() => this.fill()).observe(this.root);
    this.rows = [];
    this.refresh();
  }

  /** Chooses the entries again. If there are only more of them, the list stays where the reader has scrolled it. */
  refresh(hasGrown = false) {
    const { store, selected } = this.app;
    const { peers, neighbors } = store.columns;
    this.selected = selected;
    this.peer.value = selected ?? "";
    if (selected === null && this.have.checked) {
      this.chosen = null;
      this.length = store.length;
    } else {
      this.chosen = new Uint32Array(store.length);
      this.length = 0;
      for (let i = 0; i < store.length; i++) {
        if (selected !== null && peers[i] !== selected && neighbors[i] !== selected) continue;
        if (!this.have.checked && store.code(i) === CODE.have) continue;
        this.chosen[this.length++] = i;
      }
    }
    this.space.style.height = `${Math.min(this.length * ROW_HEIGHT, MOST_HEIGHT)}px`;
    if (hasGrown && !this.app.clock.isFollowing) this.fill();
    else this.focus = undefined;
    this.app.redraw();
  }

  entry(row) {
    return this.chosen ? this.chosen[row] : row;
  }

  /** Returns the last row up to an entry. */
  rowOf(entry) {
    return this.chosen ? countBelow(this.chosen.subarray(0, this.length), entry + 1) - 1 : entry;
  }

  draw() {
    if (this.selected !== this.app.selected) this.refresh();
    const focus = this.rowOf(this.app.focus);
    if (focus === this.focus) return;
    this.focus = focus;
    const seen = this.root.clientHeight / ROW_HEIGHT;
    const most = Math.max(this.length - seen, 0);
    // The row at the cursor stands in the middle.
    const first = Math.min(Math.max(focus - Math.floor(seen / 2), 0), most);
    const reach = this.space.offsetHeight - this.root.clientHeight;
    this.root.scrollTop = most > 0 ? (first / most) * reach : 0;
    this.first = first;
    this.fill(first);
  }

  /** Shows the rows at the scrolled place, or from `first` on. */
  fill(first) {
    const { store } = this.app;
    const seen = this.root.clientHeight / ROW_HEIGHT;
    const reach = this.space.offsetHeight - this.root.clientHeight;
    const most = Math.max(this.length - seen, 0);
    first = Math.floor(first ?? (reach > 0 ? (this.root.scrollTop / reach) * most : 0));
    const count = Math.min(Math.ceil(seen) + 1, this.length - first);
    while (this.rows.length < count) this.rows.push(this.make());
    this.rows.forEach((row, i) => {
      row.hidden = i >= count;
      if (row.hidden) return;
      const entry = this.entry(first + i);
      const [time, peer, words, line] = row.children;
      row.entry = entry;
      row.style.top = `${this.root.scrollTop + (i * ROW_HEIGHT)}px`;
      time.textContent = elapsed(store.columns.times[entry]);
      peer.textContent = store.id(store.columns.peers[entry]);
      peer.style.setProperty("--own", this.app.colors[store.columns.peers[entry]].text);
      words.textContent = wordsOf(store, entry);
      line.textContent = store.line(entry);
      row.title = `${peer.textContent} ${words.textContent} (${line.textContent})`;
      row.ariaSelected = String(entry === this.app.focus);
      row.classList.toggle("future", entry >= this.app.cursor);
      row.classList.toggle("marked", this.app.marked.has(line.textContent));
    });
  }

  make() {
    const row = document.createElement("div");
    row.className = "event";
    row.role = "option";
    row.append(...["time", "peer", "words", "place"].map((name) => {
      return Object.assign(document.createElement("span"), { className: name });
    }));
    row.addEventListener("click", () => this.app.goTo(row.entry));
    this.space.append(row);
    return row;
  }
}
