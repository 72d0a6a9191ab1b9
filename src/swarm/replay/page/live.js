// Asks the server for what is new while the swarm runs (`shown.rs`). A page that was opened as a file does without.

/** Time between an answer and the next question in milliseconds, and after a question without an answer. */
const [ASK_AFTER, ASK_AGAIN_AFTER] = [500, 2000];

/** Returns the parts of an answer: each has its length before it. */
function partsOf(answer) {
  const parts = [];
  const view = new DataView(answer.buffer, answer.byteOffset);
  for (let at = 0; at < answer.length; ) {
    const length = view.getUint32(at, true);
    parts.push(answer.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return parts;
}

class Live {
  constructor() {
    /** The run that the page shows, and number of its steps. No run is 0. */
    this.run = 0;
    this.at = 0;
    /** By it the server knows which pages have read the end. */
    this.page = 1 + Math.floor(Math.random() * 2 ** 32);
    this.lost = document.getElementById("lost");
  }

  /** Asks again and again, until the server says that nothing will follow. */
  async ask() {
    let answer = null;
    try {
      const response = await fetch(`data?run=${this.run}&at=${this.at}&page=${this.page}`, { cache: "no-store" });
      if (response.ok) answer = new Uint8Array(await response.arrayBuffer());
    } catch {
      // The server has gone, or is busy.
    }
    this.lost.hidden = Boolean(answer);
    const state = answer && this.tryToTake(answer);
    // The question after the last answer tells the server that it was read.
    if (state?.is_last && !state.is_whole) return;
    setTimeout(() => this.ask(), !state ? ASK_AGAIN_AFTER : state.is_whole ? 0 : ASK_AFTER);
  }

  /** Shows an answer, and returns its state; null if the page has a fault. Then the next answer is the whole run. */
  tryToTake(answer) {
    try {
      return this.take(partsOf(answer));
    } catch (error) {
      console.error(error);
      this.run = 0;
      return null;
    }
  }

  /** Shows the parts of an answer, and returns its state. */
  take([first, ...rest]) {
    const text = (bytes) => JSON.parse(new TextDecoder().decode(bytes));
    const state = text(first);
    const head = rest.length ? text(rest[0]) : null;
    if (head) this.draw(head, rest.slice(1), state.is_whole);
    // Only what is shown counts.
    [this.run, this.at] = [state.run, state.at];
    return state;
  }

  /** Draws what is new, or the whole run. */
  draw(head, chunks, isWhole) {
    if (!app) show(head, chunks);
    else {
      const isBegun = isWhole && head.is_live && !app.clock.isLive;
      app.grow(head, chunks, isWhole);
      // A run that begins is followed, as at first.
      if (isBegun) app.clock.follow();
    }
  }
}
