// The piece map: a row for each peer, a place for each piece, coloured by the neighbor that it came from or by its time.
// A pixel may stand for many pieces. It is computed again only where a piece has come since the last frame.

/** Height of all rows, and of a line of a tall row, in CSS pixels. */
const PANEL_HEIGHT = 450;
const LINE_HEIGHT = 11;
/** Number of colours for moments. */
const MOMENTS = 256;

class Pieces {
  constructor(app) {
    this.app = app;
    const { store } = app;
    const root = document.getElementById("pieces");
    // All rows together are about as tall as the graph. Tall ones are broken into lines, so that single pieces can be seen.
    this.rowHeight = Math.round(Math.min(Math.max(PANEL_HEIGHT / store.peerCount, 15), 84));
    this.gap = this.rowHeight > 16 ? 3 : 1;
    this.lines = Math.max(1, Math.floor((this.rowHeight - 2 * this.gap) / LINE_HEIGHT));
    root.style.setProperty("--row", `${this.rowHeight}px`);
    root.style.setProperty("--rows", store.peerCount);
    const make = (name, className) => Object.assign(document.createElement(name), { className });
    this.names = store.head.peers.map((peer, place) => {
      const button = Object.assign(make("button", "peer"), { type: "button", ariaPressed: "false" });
      button.append(make("i", "swatch"), String(peer.id));
      button.firstChild.style.background = app.colors[place].text;
      button.title = peer.has_file ? "starts with the file" : "";
      button.addEventListener("click", () => app.select(app.selected === place ? null : place));
      return button;
    });
    this.counts = store.head.peers.map((peer) => {
      const count = make("div", "count");
      count.dataset.peer = peer.id;
      return count;
    });
    document.getElementById("pieces-names").replaceChildren(...this.names);
    document.getElementById("pieces-counts").replaceChildren(...this.counts);
    this.surface = new Surface("pieces-canvas", () => this.refresh());
    this.mode = document.getElementById("pieces-mode");
    this.mode.addEventListener("change", () => this.refresh());
    this.hint = document.getElementById("pieces-hint");
    this.surface.canvas.addEventListener("pointermove", (event) => this.explain(event));
    this.surface.canvas.addEventListener("pointerleave", () => this.explain(null));
    /** The peer and piece that the arrow keys have reached. */
    this.spot = [0, 0];
    this.surface.canvas.addEventListener("keydown", (event) => this.move(event));
    this.surface.canvas.addEventListener("blur", () => app.redraw());
    this.explain(null);
    this.refresh();
  }

  /** Computes everything again at the next frame. */
  refresh() {
    this.cursor = null;
    this.app.redraw();
  }

  /** Says what is at the pointer. */
  explain(event) {
    const { store } = this.app;
    this.hint.textContent = store.isMapped
      ? "Point at a piece, or move with the arrow keys, to see where it came from and when."
      : `The map is left out: ${counted(store.peerCount, "peer")} with ${counted(store.pieceCount, "piece")} are too many.`;
    if (!event || !store.pieceCount || !store.isMapped) return;
    const [x, y] = this.surface.place(event);
    const peer = Math.floor(y / this.rowHeight);
    const line = Math.floor(((y - peer * this.rowHeight - this.gap) / (this.rowHeight - 2 * this.gap)) * this.lines);
    const piece = Math.floor(((line + x / this.surface.width) / this.lines) * store.pieceCount);
    if (peer < 0 || peer >= store.peerCount || piece < 0 || piece >= store.pieceCount) return;
    this.tell(peer, piece);
  }

  /** Moves the spot by an arrow key, and says what is there. */
  move(event) {
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [];
    const { store } = this.app;
    if (down === undefined || !store.pieceCount || !store.isMapped) return;
    event.preventDefault();
    event.stopPropagation();
    const within = (place, count) => Math.min(Math.max(place, 0), count - 1);
    this.spot = [within(this.spot[0] + down, store.peerCount), within(this.spot[1] + right, store.pieceCount)];
    this.tell(...this.spot);
    this.app.redraw();
  }

  /** Says where a peer's piece came from. */
  tell(peer, piece) {
    const { store } = this.app;
    const entry = store.acquired[peer * store.pieceCount + piece];
    const subject = `${store.id(peer)}, piece ${piece}: `;
    if (entry === FROM_START) this.hint.textContent = `${subject}there from the start`;
    else if (entry === NEVER) this.hint.textContent = `${subject}no log says that it came`;
    else {
      const from = store.id(store.columns.neighbors[entry]);
      this.hint.textContent = `${subject}from ${from} at ${elapsed(store.columns.times[entry])}, ${store.line(entry)}`;
    }
  }

  draw() {
    const { app } = this;
    const { store } = app;
    this.counts.forEach((count, peer) => {
      const text = `${store.pieces(peer, app.cursor).toLocaleString("en")}`;
      if (count.textContent !== text) count.textContent = text;
      count.classList.toggle("complete", store.completes[peer] < app.cursor);
      const isOdd = store.pieces(peer, app.cursor) > store.pieceCount;
      count.classList.toggle("odd", isOdd);
      count.title = isOdd ? `as its log says; the file has ${counted(store.pieceCount, "piece")}` : "";
    });
    this.names.forEach((name, peer) => (name.ariaPressed = String(app.selected === peer)));
    this.update();
    const context = this.surface.begin();
    if (!this.image) return;
    context.imageSmoothingEnabled = false;
    const height = (this.rowHeight - 2 * this.gap) / this.lines;
    const part = this.map.width / this.lines;
    for (let peer = 0; peer < store.peerCount; peer++) {
      context.globalAlpha = app.selected === null || app.selected === peer ? 1 : 0.35;
      for (let line = 0; line < this.lines; line++) {
        const top = peer * this.rowHeight + this.gap + line * height;
        const tall = this.lines > 1 ? height - 1 : height;
        context.drawImage(this.map, line * part, peer, part, 1, 0, top, this.surface.width, tall);
      }
    }
    context.globalAlpha = 1;
    if (document.activeElement === this.surface.canvas) {
      const along = ((this.spot[1] + 0.5) / store.pieceCount) * this.lines;
      const line = Math.floor(along);
      context.strokeStyle = app.theme.ink;
      context.lineWidth = 1.5;
      const top = this.spot[0] * this.rowHeight + this.gap + line * height;
      context.strokeRect((along - line) * this.surface.width - 3, top, 6, height);
    }
    this.surface.canvas.ariaLabel = `Pieces of ${counted(store.peerCount, "peer")}; the counts stand beside`;
  }

  /** Brings the map to the cursor. */
  update() {
    const { app } = this;
    const { store } = app;
    if (this.cursor === app.cursor || !store.isMapped) return;
    const width = this.surface.canvas.width * this.lines;
    if (!this.map || this.map.width !== width || this.cursor === null) this.begin(width);
    // A piece costs its pixels, and those cost all pieces in them: beyond some, all at once is cheaper.
    const isNear = this.cursor !== null && Math.abs(app.cursor - this.cursor) < (store.pieceCount * store.peerCount) / 32;
    if (isNear) this.updateBetween(Math.min(this.cursor, app.cursor), Math.max(this.cursor, app.cursor));
    else for (let peer = 0; peer < store.peerCount; peer++) for (let x = 0; x < width; x++) this.pixel(peer, x);
    this.cursor = app.cursor;
    this.map.getContext("2d").putImageData(this.image, 0, 0);
  }

  begin(width) {
    const { app } = this;
    this.map = Object.assign(document.createElement("canvas"), { width, height: app.store.peerCount });
    this.image = this.map.getContext("2d").createImageData(width, app.store.peerCount);
    this.isByTime = this.mode.value === "when";
    const { peerCount } = app.store;
    const colors = this.isByTime
      ? Array.from({ length: MOMENTS }, (_, i) => momentColor(i / (MOMENTS - 1)))
      // Behind the peers: a neighbor that the line does not tell, or that is no peer of the swarm.
      : [...app.colors.map(({ rgb }) => rgb), app.theme.rgb("soft")];
    /** The colour of a piece that is not there comes last. */
    this.empty = colors.length;
    this.palette = Uint8Array.from([...colors, app.theme.rgb("empty")].flat());
    this.unknown = peerCount;
    this.cursor = null;
  }

  /** Computes the pixels of the pieces that came between two cursors. */
  updateBetween(from, to) {
    const { store } = this.app;
    const { peers, numbers } = store.columns;
    const perPixel = store.pieceCount / this.map.width;
    for (let i = from; i < to; i++) {
      if (store.code(i) !== CODE.downloaded || numbers[i] < 0 || numbers[i] >= store.pieceCount) continue;
      const first = Math.max(Math.floor(numbers[i] / perPixel) - 1, 0);
      const last = Math.min(Math.ceil((numbers[i] + 1) / perPixel), this.map.width - 1);
      for (let x = first; x <= last; x++) this.pixel(peers[i], x);
    }
  }

  /** Computes a pixel: the mean of its pieces. */
  pixel(peer, x) {
    const { app } = this;
    const { acquired, sources, pieceCount, columns } = app.store;
    const { isByTime, palette, unknown, empty } = this;
    const { cursor } = app;
    const { width } = this.map;
    const first = Math.floor((x * pieceCount) / width);
    const last = Math.max(Math.floor(((x + 1) * pieceCount) / width), first + 1);
    const base = peer * pieceCount;
    const scale = app.store.end ? (MOMENTS - 1) / app.store.end : 0;
    let [red, green, blue] = [0, 0, 0];
    for (let piece = base + first; piece < base + last; piece++) {
      const entry = acquired[piece];
      let color = empty;
      if (entry < cursor) {
        if (isByTime) color = entry < 0 ? 0 : Math.round(columns.times[entry] * scale);
        else color = entry < 0 ? peer : Math.min(sources[piece], unknown);
      }
      red += palette[3 * color];
      green += palette[3 * color + 1];
      blue += palette[3 * color + 2];
    }
    const count = last - first;
    const at = 4 * (peer * width + x);
    this.image.data[at] = red / count;
    this.image.data[at + 1] = green / count;
    this.image.data[at + 2] = blue / count;
    this.image.data[at + 3] = 255;
  }
}
