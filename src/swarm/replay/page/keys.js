// The keyboard, and the help that lists it.

/** Microseconds of a step with Shift, and the part of the run of a step by page. */
const [SECOND, PAGE] = [1e6, 0.1];

/** Each key, the words for it, and what it does. */
const KEYS = [
  { keys: [" ", "k"], shown: "space", words: "play or pause", act: (app) => app.clock.toggle() },
  { keys: ["ArrowLeft"], shown: "←", words: "previous event; with Shift a second back",
    act: (app, shift) => app.step(-1, shift) },
  { keys: ["ArrowRight"], shown: "→", words: "next event; with Shift a second on", act: (app, shift) => app.step(1, shift) },
  { keys: ["PageUp"], shown: "page up", words: "a tenth back",
    act: (app) => app.clock.seek(app.clock.time - PAGE * app.store.end) },
  { keys: ["PageDown"], shown: "page down", words: "a tenth on",
    act: (app) => app.clock.seek(app.clock.time + PAGE * app.store.end) },
  { keys: ["Home"], shown: "home", words: "to the start", act: (app) => app.clock.seek(0) },
  { keys: ["End"], shown: "end", words: "to the end; follow a run that goes on", act: (app) => app.clock.seek(app.store.end) },
  { keys: ["+", "="], shown: "+", words: "faster", act: (app) => app.clock.change(1) },
  { keys: ["-"], shown: "-", words: "slower", act: (app) => app.clock.change(-1) },
  { keys: ["n"], shown: "n", words: "next violation", act: (app) => app.timeline.step(1) },
  { keys: ["p"], shown: "p", words: "previous violation", act: (app) => app.timeline.step(-1) },
  { keys: ["Escape"], shown: "escape", words: "select no peer", act: (app) => app.select(null) },
  { keys: ["?"], shown: "?", words: "this help", act: () => document.getElementById("help").showModal() },
];

function listenToKeys(app) {
  const help = document.getElementById("help");
  document.getElementById("keys").replaceChildren(...KEYS.flatMap(({ shown, words }) => {
    const [name, text] = [document.createElement("dt"), document.createElement("dd")];
    const key = document.createElement("kbd");
    key.textContent = shown;
    name.append(key);
    text.textContent = words;
    return [name, text];
  }));
  document.getElementById("help-button").addEventListener("click", () => help.showModal());
  document.addEventListener("keydown", (event) => {
    if (help.open || event.ctrlKey || event.metaKey || event.altKey) return;
    const isIn = (selector) => event.target.closest?.(selector);
    // These use the keys themselves. A button takes space only.
    if (isIn("select, input[type=checkbox]") || (event.key === " " && isIn("button"))) return;
    const found = KEYS.find(({ keys }) => keys.includes(event.key));
    if (!found) return;
    event.preventDefault();
    found.act(app, event.shiftKey);
  });
}
