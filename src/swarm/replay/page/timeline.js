// The time line: the slider, how much happens when, who is complete when, and the marks.

/** Width of a bar in CSS pixels. */
const BAR_WIDTH = 3;
/** Half the width of the slider's thumb: the line begins and ends there. */
const THUMB = 8;

class Timeline {
  constructor(app) {
    this.app = app;
    const find = (id) => document.getElementById(id);
    this.surface = new Surface("line-canvas", () => this.refresh());
    this.slider = find("slider");
    this.slider.addEventListener("input", () => app.clock.seek(Number(this.slider.value) * app.store.end));
    this.play = find("play");
    this.play.addEventListener("click", () => app.clock.toggle());
    this.speed = find("speed");
    this.speed.append(...SPEEDS.map((speed) => new Option(`${speed} ×`, speed)));
    this.speed.addEventListener("change", () => {
      app.clock.speed = Number(this.speed.value);
      app.redraw();
    });
    this.time = find("time");
    this.live = find("live");
    this.live.addEventListener("click", () => app.clock.follow());
    find("mark-before").addEventListener("click", () => this.step(-1));
    find("mark-after").addEventListener("click", () => this.step(1));
    this.showMarks();
  }

  refresh() {
    this.picture = null;
    this.app.redraw();
  }

  /** Puts a button for each mark on the line, and an entry into the list below. */
  showMarks() {
    const { app } = this;
    const { marks } = app.store.head;
    const list = document.getElementById("violations");
    document.getElementById("jumps").hidden = marks.length === 0;
    const count = ([words, className]) => Object.assign(document.createElement("span"), { textContent: words, className });
    document.getElementById("mark-count").replaceChildren(...foundIn(app.store.head).map(count));
    document.getElementById("marks").replaceChildren();
    if (marks.length === 0) {
      const entry = Object.assign(document.createElement("li"), { className: "none" });
      entry.textContent = app.store.head.is_live
        ? "They are looked for when the run is over."
        : checkedWords(app.store.head);
      list.replaceChildren(entry);
      return;
    }
    const button = (mark, className) => {
      const own = Object.assign(document.createElement("button"), { type: "button", className });
      own.classList.toggle("unclear", mark.is_unclear);
      own.title = `${mark.name}: ${mark.text} (${mark.place})`;
      own.addEventListener("click", () => app.jump(mark));
      return own;
    };
    document.getElementById("marks").replaceChildren(...marks.map((mark) => {
      const own = button(mark, "mark");
      own.ariaLabel = `${mark.name} at ${elapsed(mark.at)}`;
      own.tabIndex = -1;
      own.style.left = `calc(${THUMB}px + (100% - ${2 * THUMB}px) * ${app.store.end ? mark.at / app.store.end : 0})`;
      return own;
    }));
    list.replaceChildren(...marks.map((mark) => {
      const [entry, name, place, text] = ["li", "b", "code", "span"].map((element) => document.createElement(element));
      const own = button(mark, "violation");
      name.textContent = mark.is_unclear ? `${mark.name} (unclear)` : mark.name;
      place.textContent = mark.place;
      text.textContent = mark.text;
      own.append(elapsed(mark.at), name, place);
      entry.append(own, text);
      return entry;
    }));
    const more = app.store.head.violated_count + app.store.head.unclear_count - marks.length;
    if (more > 0) {
      const entry = Object.assign(document.createElement("li"), { className: "none" });
      entry.textContent = `${more.toLocaleString("en")} more of the same rules are not shown.`;
      list.append(entry);
    }
  }

  /** Jumps to the next mark (1) or the previous one (-1). */
  step(by) {
    const { store, clock } = this.app;
    const marks = [...store.head.marks].sort((a, b) => a.at - b.at);
    const { reached } = this.app;
    // Several marks may stand at one moment, and one may stand beyond the end.
    const place = reached?.time === clock.time ? marks.indexOf(reached.mark) : -1;
    const next = by > 0 ? (mark) => mark.at > clock.time : (mark) => mark.at < clock.time;
    const mark = place >= 0 ? marks[place + by] : by > 0 ? marks.find(next) : marks.findLast(next);
    if (mark) this.app.jump(mark);
  }

  paint() {
    const { app, surface } = this;
    const { store, theme } = app;
    const { width, height } = surface;
    const { canvas, context } = surface.twin();
    this.picture = canvas;
    const span = width - 2 * THUMB;
    const count = Math.max(Math.floor(span / BAR_WIDTH), 1);
    const bars = new Float64Array(count);
    for (let i = 0; i < store.length; i++) {
      bars[store.end ? Math.min(Math.floor((store.columns.times[i] / store.end) * count), count - 1) : 0]++;
    }
    const most = bars.reduce((a, b) => Math.max(a, b), 1);
    // By the root, so that a single entry can be seen beside thousands.
    context.fillStyle = theme.link;
    context.globalAlpha = 0.35;
    bars.forEach((number, bar) => {
      const tall = Math.sqrt(number / most) * (height - 22);
      if (number) context.fillRect(THUMB + (bar * span) / count, height - 14 - tall, span / count - 1, tall);
    });
    context.globalAlpha = 1;
    store.completes.forEach((entry, peer) => {
      if (entry === FROM_START || entry === NEVER) return;
      const x = THUMB + (store.end ? store.columns.times[entry] / store.end : 0) * span;
      context.fillStyle = app.colors[peer].text;
      context.beginPath();
      context.arc(x, 5, 3.5, 0, 2 * Math.PI);
      context.fill();
    });
  }

  draw() {
    const { clock, store } = this.app;
    if (!this.picture) this.paint();
    const context = this.surface.begin();
    if (this.surface.width) context.drawImage(this.picture, 0, 0, this.surface.width, this.surface.height);
    const part = store.end ? clock.time / store.end : 0;
    if (Number(this.slider.value) !== part) this.slider.value = part;
    const text = elapsed(clock.time);
    this.slider.ariaValueText = text;
    const day = timeOfDay(store.head.origin + clock.time);
    this.time.textContent = store.head.origin ? `${text} (${day})` : text;
    this.play.classList.toggle("playing", clock.isRunning);
    this.play.ariaLabel = clock.isRunning ? "Pause" : "Play";
    this.live.hidden = !clock.isLive;
    this.live.ariaPressed = String(clock.isFollowing);
    this.play.title = `${this.play.ariaLabel} (space)`;
    this.speed.value = clock.speed;
  }
}

/** Returns the words for no violation: what could be checked at all. */
function checkedWords({ peers }) {
  const isRead = ({ files }) => files.some((file) => file && file.lines > file.unread + file.of_others);
  const missing = peers.filter((peer) => !isRead(peer)).length;
  if (missing === peers.length) return "Nothing was checked: no line of any log was understood.";
  const words = "No invariant is violated, as far as these logs tell";
  return missing ? `${words}; of ${counted(missing, "peer")} no line was understood.` : `${words}.`;
}
