// The cursor in time, which plays or stands.

/** Times as fast as the run was. */
const SPEEDS = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300];
/** A run that would take longer than these seconds begins at a higher speed. */
const PATIENCE_SECS = 60;

class Clock {
  /** `onChange` is called when the time, the speed or the playing has changed. */
  constructor(onChange) {
    this.time = 0;
    this.end = 0;
    this.speed = 1;
    this.isPlaying = false;
    this.onChange = onChange;
  }

  /** Chooses the speed for a run of this length in microseconds. */
  fit(end) {
    this.end = end;
    this.speed = SPEEDS.find((speed) => speed >= 1 && end / MICROS / speed <= PATIENCE_SECS) ?? SPEEDS.at(-1);
  }

  seek(time) {
    this.time = Math.min(Math.max(time, 0), this.end);
    this.onChange();
  }

  /** At the end, playing begins from the start. */
  toggle() {
    this.isPlaying = !this.isPlaying;
    if (this.isPlaying) {
      if (this.time >= this.end) this.time = 0;
      this.last = performance.now();
      requestAnimationFrame((now) => this.tick(now));
    }
    this.onChange();
  }

  tick(now) {
    if (!this.isPlaying) return;
    // The first frame may have begun before the key was pressed.
    this.time += Math.max(now - this.last, 0) * 1000 * this.speed;
    this.last = Math.max(now, this.last);
    if (this.time >= this.end) {
      this.time = this.end;
      this.isPlaying = false;
    } else {
      requestAnimationFrame((next) => this.tick(next));
    }
    this.onChange();
  }

  /** Takes the next speed up (1) or down (-1). */
  change(by) {
    const place = SPEEDS.indexOf(this.speed) + by;
    this.speed = SPEEDS[Math.min(Math.max(place, 0), SPEEDS.length - 1)];
    this.onChange();
  }
}
