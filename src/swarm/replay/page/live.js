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
    this.lost = document.getElementById("lost");
  }

  /** Asks again and again, until the server says that nothing will follow. */
  async ask() {
    let state = null;
    try {
      const answer = await fetch(`data?run=${this.run}&at=${this.at}`, { cache: "no-store" });
      if (answer.ok) state = this.take(partsOf(new Uint8Array(await answer.arrayBuffer())));
    } catch (error) {
      // The server has gone, or is busy; what is wrong with the page itself belongs into the console.
      if (!(error instanceof TypeError)) console.error(error);
    }
    this.lost.hidden = Boolean(state);
    // The question after the last answer tells the server that it was read.
    if (state?.is_last && !state.is_whole) return;
    setTimeout(() => this.ask(), !state ? ASK_AGAIN_AFTER : state.is_whole ? 0 : ASK_AFTER);
  }

  /** Shows an answer, and returns its state. */
  take([first, ...rest]) {
    const text = (bytes) => JSON.parse(new TextDecoder().decode(bytes));
    const state = text(first);
    [this.run, this.at] = [state.run, state.at];
    const head = rest.length ? text(rest[0]) : null;
    if (!head) return state;
    const chunks = rest.slice(1);
    if (!app) show(head, chunks);
    else {
      const isBegun = state.is_whole && head.is_live && !app.clock.isLive;
      app.grow(head, chunks, state.is_whole);
      // A run that begins is followed, as at first.
      if (isBegun) app.clock.follow();
    }
    return state;
  }
}
