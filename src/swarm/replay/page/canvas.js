// A canvas that is sharp on every screen, and measured in CSS pixels.

class Surface {
  /** `onResize` is called when the size or the screen's density has changed. */
  constructor(id, onResize) {
    this.canvas = document.getElementById(id);
    this.context = this.canvas.getContext("2d");
    this.measure();
    new ResizeObserver(() => this.measure() && onResize()).observe(this.canvas);
  }

  /** Returns whether the size has changed. */
  measure() {
    const ratio = globalThis.devicePixelRatio || 1;
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    if (this.width === width && this.height === height && this.ratio === ratio) return false;
    Object.assign(this, { width, height, ratio });
    this.canvas.width = Math.max(1, Math.round(width * ratio));
    this.canvas.height = Math.max(1, Math.round(height * ratio));
    return true;
  }

  /** Returns the context, with nothing drawn yet. */
  begin() {
    this.context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    this.context.clearRect(0, 0, this.width, this.height);
    return this.context;
  }

  /** Returns where in the canvas a pointer is. */
  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  /** Makes a canvas of the same size and density that is not shown, to draw on once what does not change. */
  twin() {
    const canvas = document.createElement("canvas");
    canvas.width = this.canvas.width;
    canvas.height = this.canvas.height;
    const context = canvas.getContext("2d");
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    return { canvas, context };
  }
}

/** Font of all canvases at this size in pixels. */
function font(size, weight = 400) {
  return `${weight} ${size}px system-ui, sans-serif`;
}

/** Returns a round number of seconds between two ticks, so that there are at most `most` in the span (microseconds). */
function tickStep(span, most) {
  const least = span / MICROS / most;
  const steps = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];
  return (steps.find((step) => step >= least) ?? Math.ceil(least / 3600) * 3600) * MICROS;
}
