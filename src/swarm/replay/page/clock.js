// The cursor in time, which plays or stands, or follows the end of a run that goes on.

/** Times as fast as the run was. */
const SPEEDS = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300];
/** A run that would take longer than these seconds begins at a higher speed. */
const PATIENCE_SECS = 60;
/** Maximum number of microseconds by which the cursor is behind the end that it follows. */
const LAG = 2e6;

class Clock {
  /** `onChange` is called when the time, the speed or the playing has changed. */
  constructor(onChange) {
    this.time = 0;
    this.end = 0;
    this.speed = 1;
    this.isPlaying = false;
    /** Whether the run goes on, and whether the cursor follows its end. */
    this.isLive = false;
    this.isFollowing = false;
    this.onChange = onChange;
  }

  /** Chooses the speed for a run of this length in microseconds. */
  fit(end) {
    this.end = end;
    this.speed = SPEEDS.find((speed) => speed >= 1 && end / MICROS / speed <= PATIENCE_SECS) ?? SPEEDS.at(-1);
  }

  /** The end of a run that goes on has moved; a run that is over is followed no more. */
  grow(end, isLive) {
    this.end = end;
    this.isLive = isLive;
    if (!this.isFollowing) return;
    if (isLive) return this.follow();
    this.isFollowing = false;
    this.time = end;
  }

  /** Who goes to the end of a run that goes on, follows it. */
  seek(time) {
    this.time = Math.min(Math.max(time, 0), this.end);
    this.isFollowing = this.isLive && time >= this.end;
    this.onChange();
  }

  get isRunning() {
    return this.isPlaying || this.isFollowing;
  }

  /** At the end, playing begins from the start. */
  toggle() {
    if (this.isFollowing) {
      this.isFollowing = false;
    } else {
      this.isPlaying = !this.isPlaying;
      if (this.isPlaying) {
        if (this.time >= this.end) this.time = 0;
        this.begin();
      }
    }
    this.onChange();
  }

  /** Glides to the end, and on whenever that moves. */
  follow() {
    this.isPlaying = false;
    this.isFollowing = true;
    this.time = Math.max(this.time, this.end - LAG);
    this.begin();
    this.onChange();
  }

  begin() {
    if (this.isTicking) return;
    this.isTicking = true;
    this.last = performance.now();
    requestAnimationFrame((now) => this.tick(now));
  }

  tick(now) {
    this.isTicking = false;
    if (!this.isRunning) return;
    // The first frame may have begun before the key was pressed.
    const last = Math.max(now, this.last);
    this.time += (last - this.last) * 1000 * (this.isFollowing ? 1 : this.speed);
    if (this.time >= this.end) {
      this.time = this.end;
      this.isFollowing = this.isLive;
      this.isPlaying = false;
    } else {
      this.begin();
      this.last = last;
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
