/** What makes a soak fail. Pure: the readings are given. Each rule gives one line for a condition that is not met. */

/** One reading of something that should not grow. */
export interface Point {
  minutes: number;
  value: number;
}

/** What one tool was at one moment. */
export interface Sample {
  /** Since the traffic began. */
  minutes: number;
  rssMb: number;
  descriptors: number;
  threads: number;
  /** Kernel memory of its BPF maps. */
  mapsMb: number;
  /** CPU time so far. */
  cpuSeconds: number;
  /** What lives in the V8 heap and in its buffers, after a garbage collection; only with --heap. */
  heapMb?: number;
}

/**
 * MB a minute. At 5,000 handshakes a second 0.25 are less than a byte a handshake, at 20 processes a second 200 bytes a process:
 * no object that is kept for each is smaller. Garbage collections move the level by tens of MB, but not its trend.
 */
export const MOST_GROWTH = { rssMb: 0.25, mapsMb: 0.05, heapMb: 0.05 } as const;

const MEMORY = { rssMb: 'resident memory', mapsMb: 'kernel memory of maps', heapMb: 'live heap' } as const;
const NUMBERS = { descriptors: 'open descriptors', threads: 'threads' } as const;

/** Until then caches and the groups of all remotes fill, as they must, and V8 finds the size of its heap: some ten minutes. */
const WARM_UP = 1 / 2;

/** The samples that are judged. */
export function afterWarmUp<Reading extends { minutes: number }>(samples: readonly Reading[]): Reading[] {
  const end = samples.at(-1)?.minutes ?? 0;
  return samples.filter(({ minutes }) => minutes >= end * WARM_UP);
}

/**
 * Growth a minute: the median of the slopes between all pairs of points (Theil-Sen), which a quarter of the points may
 * contradict, however wild they are. NaN of fewer than two points.
 */
export function slope(points: readonly Point[]): number {
  const slopes: number[] = [];
  for (const [at, from] of points.entries())
    for (const to of points.slice(at + 1))
      if (to.minutes > from.minutes) slopes.push((to.value - from.value) / (to.minutes - from.minutes));
  return median(slopes);
}

export function median(values: readonly number[]): number {
  const ordered = [...values].sort((a, b) => a - b);
  const middle = (ordered.length - 1) / 2;
  return (ordered[Math.floor(middle)]! + ordered[Math.ceil(middle)]!) / 2;
}

export function pointsOf(samples: readonly Sample[], what: keyof Sample): Point[] {
  return samples.flatMap(({ minutes, [what]: value }) => (value === undefined ? [] : [{ minutes, value }]));
}

/** What grows after the warm-up. */
export function growths(tool: string, samples: readonly Sample[]): string[] {
  const judged = afterWarmUp(samples);
  const lines: string[] = [];
  for (const [what, name] of entries(MEMORY)) {
    const perMinute = slope(what === 'heapMb' ? floor(pointsOf(judged, what)) : pointsOf(judged, what));
    if (perMinute > MOST_GROWTH[what])
      lines.push(`${tool}: ${name} grows by ${perMinute.toFixed(3)} MB/min, at most ${MOST_GROWTH[what]}`);
  }
  for (const [what, name] of entries(NUMBERS)) {
    // Files are opened for a moment now and then; one that stays open is in most samples from then on.
    const values = judged.map((sample) => sample[what]);
    const [first, last] = [median(firstThird(values)), median(firstThird(values.reverse()))];
    if (last > first) lines.push(`${tool}: ${name} were ${first} and became ${last}`);
  }
  return lines;
}

/** The lowest point of each minute: what is on its way through is alive too when a garbage collection comes, but not for long. */
export function floor(points: readonly Point[]): Point[] {
  const lowest = new Map<number, Point>();
  for (const point of points) {
    const minute = Math.floor(point.minutes);
    const before = lowest.get(minute);
    if (!before || point.value < before.value) lowest.set(minute, point);
  }
  return [...lowest.values()];
}

function firstThird(values: readonly number[]): number[] {
  return values.slice(0, Math.ceil(values.length / 3));
}

/** What a tool said in the end. */
export interface Summary {
  count: number;
  /** By result, or by kind. */
  results: Record<string, number>;
  lost: number;
  /** Runs of its programs that the kernel skipped, as it counts them. */
  missed: number;
  untracked: number;
  /** Rows that were counted and not shown, because the output was slow. */
  unshown: number;
  /** What it says of the kernel's counters; undefined with a filter. */
  audit: string | undefined;
}

/** Reads the two lines at the end of standard error. @throws {Error} if they are not there. */
export function parseSummary(stderr: string): Summary {
  const [, all, rest] = /^([\d,]+) (?:attempts?|retransmitted segments?) in (.*)$/m.exec(stderr) ?? [];
  if (all === undefined || rest === undefined) throw new Error(`no summary: ${stderr.trim()}`);
  const counted = (what: RegExp): number => wholeNumber(what.exec(stderr)?.[1] ?? '0');
  const results = (/: ([^;]*)/.exec(rest)?.[1] ?? '')
    .split(', ')
    .map((clause) => /^([\d,]+) (.+)$/.exec(clause))
    .flatMap((match) => (match ? [[match[2]!, wholeNumber(match[1]!)] as const] : []));
  if (!/events? lost/.test(stderr)) throw new Error(`no word of lost events: ${stderr.trim()}`);
  return {
    count: wholeNumber(all),
    results: Object.fromEntries(results),
    lost: counted(/([\d,]+) events? lost/),
    missed: counted(/([\d,]+) events? missed/),
    untracked: counted(/([\d,]+) attempts? untracked/),
    unshown: counted(/([\d,]+) rows? not shown/),
    audit: /(?:agrees with|differs from) the kernel.*$/m.exec(stderr)?.[0],
  };
}

/** What may have been hidden from a tool, as others than the tool say. */
export interface Circumstances {
  /** Network namespaces have ended while it traced. */
  namespacesEnded: boolean;
  /** Events at which this kernel may run no BPF program. */
  hidden: number;
}

/** What a tool lost or does not account for. */
export function complaints(tool: string, summary: Summary, circumstances: Circumstances): string[] {
  const lines: string[] = [];
  if (summary.lost > 0) lines.push(`${tool}: lost ${summary.lost} events`);
  if (summary.untracked > 0) lines.push(`${tool}: had no room to track ${summary.untracked} attempts`);
  if (summary.audit !== undefined && !isRightAudit(summary, circumstances))
    lines.push(`${tool}: ${summary.audit}`);
  return lines;
}

/** Agreement, or a difference whose reason is true. */
function isRightAudit({ audit = '', missed }: Summary, { namespacesEnded, hidden }: Circumstances): boolean {
  if (audit.startsWith('agrees')) return true;
  const reason = /\(([^()]*)\)[^()]*$/.exec(audit)?.[1] ?? '';
  if (reason.endsWith('not seen')) return missed > 0;
  if (reason.endsWith('where no program may run')) return hidden > 0;
  return namespacesEnded && reason.includes('ended');
}

/**
 * Compares what a tool has seen of the soak's own traffic with what the traffic came to. Up to `excused` may be missing: what
 * the kernel hid or skipped; none may be too much.
 */
export function drift(
  tool: string,
  expected: Readonly<Record<string, number>>,
  seen: Readonly<Record<string, number>>,
  excused: number,
): string[] {
  const results = [...new Set([...Object.keys(expected), ...Object.keys(seen)])];
  const differences = results
    .map((result) => ({ result, missing: (expected[result] ?? 0) - (seen[result] ?? 0) }))
    .filter(({ missing }) => missing !== 0);
  const missing = differences.reduce((sum, difference) => sum + difference.missing, 0);
  if (missing <= excused && differences.every((difference) => difference.missing > 0)) return [];
  return differences.map(
    ({ result }) => `${tool}: ${seen[result] ?? 0} ${result}, the traffic came to ${expected[result] ?? 0}`,
  );
}

/** Two counts that must be one. */
export function unequal(what: string, count: number, other: string, otherCount: number): string[] {
  return count === otherCount ? [] : [`${what} ${count}, ${other} ${otherCount}`];
}

function wholeNumber(text: string): number {
  return Number(text.replaceAll(',', ''));
}

function entries<Key extends string, Value>(record: Readonly<Record<Key, Value>>): [Key, Value][] {
  return Object.entries(record) as [Key, Value][];
}
