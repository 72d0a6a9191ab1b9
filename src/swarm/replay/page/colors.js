// Colours: of the theme, which the style sheet names, and of the peers, which must differ from each other.

/** The first peers' colours, as hue, saturation and lightness: easy to tell apart, also for most who see fewer colours. */
const FIRST_COLORS = [
  [212, 78, 60], [28, 92, 58], [150, 55, 48], [338, 70, 64], [48, 88, 55], [268, 60, 68], [188, 65, 50], [8, 70, 58],
  [90, 45, 52], [300, 45, 62],
];
/** Degrees between the hues of further peers: the golden angle repeats none. */
const GOLDEN_ANGLE = 137.508;

/** Returns red, green and blue from 0 to 255. */
function rgbOf([hue, saturation, lightness]) {
  const [s, l] = [saturation / 100, lightness / 100];
  const channel = (n) => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (l - s * Math.min(l, 1 - l) * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}

/** Returns the colour of each peer, as numbers and as text for a canvas. */
function peerColors(count) {
  return Array.from({ length: count }, (_, i) => {
    const rgb = rgbOf(FIRST_COLORS[i] ?? [(i * GOLDEN_ANGLE) % 360, 50 + (i % 3) * 15, 46 + ((i >> 1) % 3) * 11]);
    return { rgb, text: `rgb(${rgb.join(" ")})` };
  });
}

/** Returns the colour for a moment of the run, from 0 (early, violet) to 1 (late, yellow). */
function momentColor(part) {
  return rgbOf([270 - 215 * part, 65, 45 + 14 * part]);
}

/** The theme's colours by the names in the style sheet, read again when the system changes from light to dark. */
class Theme {
  static NAMES = [
    "paper", "panel", "ink", "soft", "faint", "empty", "link", "unchoked", "preferred", "optimistic", "interested",
    "bad", "unclear",
  ];

  constructor(onChange) {
    this.read();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.read();
      onChange();
    });
  }

  read() {
    const style = getComputedStyle(document.documentElement);
    for (const name of Theme.NAMES) this[name] = style.getPropertyValue(`--${name}`).trim();
  }

  /** Returns a colour of the style sheet, which are all `#rrggbb`, as numbers. */
  rgb(name) {
    return [1, 3, 5].map((at) => parseInt(this[name].slice(at, at + 2), 16));
  }
}
