/** What CLOCK_MONOTONIC, in which items have their times, is on the wall clock. */

/** Both clocks at one moment. */
export interface ClockReading {
  readonly monotonicNs: number;
  /** Nanoseconds since 1970, which a number has no room for. */
  readonly unixNs: bigint;
}

/**
 * Offsets are multiples of this: then a number holds them exactly for centuries, and adding one to a time changes no
 * difference between times.
 */
const OFFSET_UNIT_NS = 1024n;
/** The wall clock was set, or the host slept, if the offset has changed by more; less is the noise of reading it. */
const STEP_NS = 10e6;
/** A wall clock that is set more often keeps its first settings. */
const MAX_SEGMENTS = 1024;

/** Unix time minus monotonic time, rounded to 1,024 ns. */
export function clockOffsetNs({ monotonicNs, unixNs }: ClockReading): number {
  const offset = unixNs - BigInt(Math.round(monotonicNs));
  return Number((offset / OFFSET_UNIT_NS) * OFFSET_UNIT_NS);
}

/** The time in ISO 8601: `2026-07-01T10:02:11.204Z`. */
export function isoTime({ unixNs }: ClockReading): string {
  return new Date(Number(unixNs / 1_000_000n)).toISOString();
}

const ATTEMPTS = 5;

/** CLOCK_MONOTONIC of this host, ns. */
export const monotonicNs = (): number => Number(process.hrtime.bigint());

/**
 * Reads both clocks. Node has read the wall clock to the microsecond once, when the process began; it is looked at again only
 * when `Date.now()`, which has milliseconds, does not agree with that.
 */
export class SystemClock {
  private offsetNs = offsetAtStart();

  read = (): ClockReading => {
    const now = monotonicNs();
    if (this.agrees(now)) return { monotonicNs: now, unixNs: BigInt(now) + this.offsetNs };
    const reading = readAtChange();
    this.offsetNs = reading.unixNs - BigInt(reading.monotonicNs);
    return reading;
  };

  private agrees(now: number): boolean {
    const expectedMs = Number((BigInt(now) + this.offsetNs) / 1_000_000n);
    return Math.abs(expectedMs - Date.now()) <= 1;
  }
}

/** Unix time minus monotonic time; of some tries the one between whose two readings the least time has passed. */
function offsetAtStart(): bigint {
  let startNs = Infinity;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const sinceStartMs = performance.now();
    startNs = Math.min(startNs, monotonicNs() - sinceStartMs * 1e6);
  }
  return BigInt(Math.round(performance.timeOrigin * 1000)) * 1000n - BigInt(Math.round(startNs));
}

/** A change of `Date.now()` that is seen later than this was not seen well: something else ran meanwhile. */
const SEEN_WITHIN_NS = 50e3;

/** The best of some readings at the moment at which `Date.now()` changes. */
function readAtChange(): ClockReading {
  let best = changeOfMillisecond();
  for (let attempt = 1; attempt < ATTEMPTS && best.withinNs > SEEN_WITHIN_NS; attempt++) {
    const next = changeOfMillisecond();
    if (next.withinNs < best.withinNs) best = next;
  }
  return best.reading;
}

function changeOfMillisecond(): { reading: ClockReading; withinNs: number } {
  const firstMs = Date.now();
  let [beforeNs, afterNs, unixMs] = [0, monotonicNs(), firstMs];
  while (unixMs === firstMs) {
    beforeNs = afterNs;
    unixMs = Date.now();
    afterNs = monotonicNs();
  }
  const withinNs = afterNs - beforeNs;
  return { reading: { monotonicNs: afterNs, unixNs: BigInt(unixMs) * 1_000_000n }, withinNs };
}

/** The clock of this process: all that it shows and records goes by the same. */
export const SYSTEM_CLOCK = new SystemClock();

interface Segment {
  readonly fromNs: number;
  readonly offsetNs: number;
}

/** The offset of the wall clock through a recording: constant, but for steps. */
export class ClockTrack {
  private readonly segments: Segment[];

  constructor(first: ClockReading) {
    this.segments = [{ fromNs: -Infinity, offsetNs: clockOffsetNs(first) }];
  }

  add(reading: ClockReading): void {
    const last = this.segments.at(-1)!;
    const offsetNs = clockOffsetNs(reading);
    if (Math.abs(offsetNs - last.offsetNs) <= STEP_NS || reading.monotonicNs <= last.fromNs) return;
    if (this.segments.length < MAX_SEGMENTS) this.segments.push({ fromNs: reading.monotonicNs, offsetNs });
  }

  /** That of the reading nearest before. */
  offsetAt(timeNs: number): number {
    let index = this.segments.length - 1;
    while (index > 0 && this.segments[index]!.fromNs > timeNs) index--;
    return this.segments[index]!.offsetNs;
  }

  /** That of the moment when the wall clock showed this; of the latest such moment, if it was set back. */
  offsetAtUnix(unixNs: number): number {
    const shown = this.segments.findLast(({ fromNs, offsetNs }) => fromNs + offsetNs <= unixNs);
    return (shown ?? this.segments[0]!).offsetNs;
  }

  /** By how much the wall clock was set or the host slept, each time. */
  steps(): number[] {
    return this.segments.slice(1).map(({ offsetNs }, index) => offsetNs - this.segments[index]!.offsetNs);
  }
}
