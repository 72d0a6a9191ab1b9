// Rates over time: what the peers receive or send, one layer a peer on top of the other.

/** Width of a bin in CSS pixels. */
const BIN_WIDTH = 3;
/** Room below for the seconds, and above for the highest rate, in CSS pixels. */
const [BELOW, ABOVE] = [18, 16];

class Rates {
  constructor(app) {
    this.app = app;
    this.surface = new Surface("rates", () => this.refresh());
    this.mode = document.getElementById("rates-mode");
    this.mode.addEventListener("change", () => this.refresh());
    const seek = (event) => {
      if (event.buttons & 1) app.clock.seek((this.surface.place(event)[0] / this.surface.width) * app.store.end);
    };
    this.surface.canvas.addEventListener("pointerdown", seek);
    this.surface.canvas.addEventListener("pointermove", seek);
  }

  refresh() {
    this.picture = null;
    this.app.redraw();
  }

  /** Returns for each peer the bytes of each bin. */
  bins(count) {
    const { store } = this.app;
    const { times, peers, neighbors, numbers } = store.columns;
    const { piece_count: pieceCount, piece_size: pieceSize, file_size: fileSize } = store.head;
    const bins = store.head.peers.map(() => new Float64Array(count));
    const scale = store.end ? count / store.end : 0;
    for (let i = 0; i < store.length; i++) {
      if (store.code(i) !== CODE.downloaded) continue;
      const peer = this.mode.value === "sent" ? neighbors[i] : peers[i];
      const size = numbers[i] === pieceCount - 1 ? fileSize - (pieceCount - 1) * pieceSize : pieceSize;
      if (bins[peer]) bins[peer][Math.min(Math.floor(times[i] * scale), count - 1)] += size;
    }
    return bins;
  }

  /** Draws all but the cursor; the selected peer's layer alone, or all. */
  paint() {
    const { app, surface } = this;
    const { store, theme } = app;
    const { width, height } = surface;
    const { canvas, context } = surface.twin();
    this.picture = canvas;
    this.selected = app.selected;
    const count = Math.max(Math.floor(width / BIN_WIDTH), 1);
    const bins = this.bins(count);
    const shown = bins.map((_, peer) => peer).filter((peer) => app.selected === null || peer === app.selected);
    const sums = new Float64Array(count);
    for (const peer of shown) bins[peer].forEach((bytes, bin) => (sums[bin] += bytes));
    const most = sums.reduce((a, b) => Math.max(a, b), 0);
    const binSecs = store.end / MICROS / count;
    this.most = binSecs ? most / binSecs : 0;
    const floor = height - BELOW;
    const y = (value) => floor - (most ? value / most : 0) * (floor - ABOVE);
    const below = new Float64Array(count);
    for (const peer of shown) {
      context.fillStyle = app.colors[peer].text;
      context.beginPath();
      bins[peer].forEach((bytes, bin) => {
        if (bytes > 0) {
          const top = y(below[bin] + bytes);
          context.rect((bin * width) / count, top, width / count, y(below[bin]) - top);
        }
        below[bin] += bytes;
      });
      context.fill();
    }
    context.fillStyle = theme.faint;
    context.fillRect(0, floor, width, 1);
    context.font = font(11);
    context.fillStyle = theme.soft;
    context.textBaseline = "top";
    context.fillText(most ? `at most ${bytes(this.most)}/s` : "no piece was downloaded", 0, 0);
    const step = tickStep(store.end, width / 80);
    for (let time = 0; time <= store.end && step > 0; time += step) {
      const x = store.end ? (time / store.end) * width : 0;
      const text = elapsed(time, step < MICROS ? 2 : 0);
      context.textAlign = x < 20 ? "left" : x > width - 30 ? "right" : "center";
      context.fillText(text, x, floor + 4);
      context.fillRect(x, floor, 1, 4);
    }
  }

  draw() {
    const { app, surface } = this;
    if (!this.picture || this.selected !== app.selected) this.paint();
    const context = surface.begin();
    if (!surface.width) return;
    context.drawImage(this.picture, 0, 0, surface.width, surface.height);
    const x = app.store.end ? (app.clock.time / app.store.end) * surface.width : 0;
    context.globalAlpha = 0.6;
    context.fillStyle = app.theme.panel;
    context.fillRect(x, ABOVE, surface.width - x, surface.height - BELOW - ABOVE);
    context.globalAlpha = 1;
    context.fillStyle = app.theme.ink;
    context.fillRect(Math.min(x, surface.width - 1.5), ABOVE, 1.5, surface.height - BELOW - ABOVE);
    surface.canvas.ariaLabel = `${this.mode.selectedOptions[0].text} over time, at most ${bytes(this.most)} a second`;
  }
}
