/** The run loop: source -> reducers and view -> text. */
import type { Reducer } from '../aggregate/reducer.js';
import type { Source } from '../model/source.js';
import type { Unshown } from '../model/summary.js';
import type { Display, View } from '../view/view.js';
import { liveClock, monotonicNs, type Clock } from './clock.js';
import { Live } from './live.js';
import { Output, type Streams } from './output.js';
import { RowSample } from './row-sample.js';
import { StopSignal } from './stop-signal.js';

/** Keeps the tool within what it may cost. */
export interface Watch {
  /** Called after each look at the source. A line for the user if something has changed. */
  look(nowNs: number): string | undefined;
  /** Called at the end of an interval. A line for the user where there are no rows. */
  interval(nowNs: number): string | undefined;
  /** No more than 1 in so many rows is shown, a power of 2. */
  readonly rowsOneIn: number;
}

export interface SessionOptions<Item> {
  source: Source<Item>;
  /** Fed with every item before the view is asked for text. */
  reducers: readonly Reducer<Item>[];
  view: View<Item>;
  /** Told on stderr once signals are listened to: from then on whoever waits may stop it. */
  status: string;
  /** Kept at the terminal's size. */
  display: Display;
  intervalMs: number;
  durationMs: number | undefined;
  /** Ends after this many items for which `counts` is true; of those that have a row, only shown ones count. */
  count: number | undefined;
  counts: (item: Item) => boolean;
  /** Off a terminal, only the last frame is written: of a recording nobody waits for the others. Default: each. */
  onlyLastFrame?: boolean;
  /** A line of what the tool costs, to show beside each interval; for stderr, or below a frame. */
  stats?: ((nowNs: number, clockOffsetNs: number, unshown: Unshown) => string) | undefined;
  watch?: Watch | undefined;
  /** Default: the time of this host. */
  clock?: Clock;
  /** Default: those of the process. */
  streams?: Streams;
}

/** How a session ended. */
export interface SessionEnd {
  /** By the session's clock. */
  elapsedNs: number;
  endedNs: number;
  /** What was counted but not shown, because the output was not read in time. */
  unshown: Unshown;
  /** False if nobody would read a summary: whoever read our output has gone. */
  wantsSummary: boolean;
}

/** Between two looks at the source: short while events pour in, longer when few or none come. */
const POLL_NS = { flood: 10e6, busy: 50e6, idle: 100e6 };
/** Items in one look that make a flood: 4,000 a second. */
const FLOOD_ITEMS = 200;
/**
 * Items that become text at once: V8 puts texts of more than 128 KiB together where it takes memory from the system anew. Between two such
 * slices the backlog is looked at.
 */
const SLICE = 100;
/** How long a reader that has kept up may take for what came all at once, in ms; the kernel's buffer has room for longer. */
const GRACE_MS = 100;

/** Runs until a signal, the duration, the count, the source's end or a closed output ends it; then drains what is left. */
export async function runSession<Item>(options: SessionOptions<Item>): Promise<SessionEnd> {
  const { source, view, reducers, clock = liveClock(), streams = process } = options;
  const startedNs = clock.nowNs();
  const stop = new StopSignal();
  const output = new Output(options.display, stop, streams);
  const sample = new RowSample(source.keeps ? Infinity : output.room);
  let skippedIntervals = 0;
  const limit = options.count ?? Infinity;
  let counted = 0;
  let live: Live | undefined;
  /** Lines below a frame. */
  const below = { news: '', stats: '' };
  let endedNs = startedNs;

  /** Up to the one that reaches the count. Returns those whose row is shown. */
  const take = (items: readonly Item[]): Item[] => {
    const shown: Item[] = [];
    for (const item of items) {
      if (counted >= limit) break;
      for (const reducer of reducers) reducer.add(item);
      const hasRow = view.hasRow?.(item) === true;
      if (hasRow && !sample.next()) continue;
      if (hasRow) shown.push(item);
      if (options.counts(item)) counted++;
    }
    return shown;
  };
  const adapt = (): void => {
    const nowNs = monotonicNs();
    sample.showAtMost(options.watch?.rowsOneIn ?? 1);
    sample.adapt(output.open ? output.backlog : Infinity, nowNs);
    if (output.open) tell(sample.news(nowNs), 'news');
  };
  /** @param relief waits for a reader that has kept up, when more has come than it can have taken */
  const look = async (relief: () => Promise<void>): Promise<number> => {
    const items = source.drain(clock.nowNs());
    adapt();
    for (let at = 0; at < items.length; at += SLICE) {
      output.append(view.items(take(items.slice(at, at + SLICE)), clock.unixOffsetNs()));
      if (sample.wouldBegin(output.backlog)) await relief();
      adapt();
    }
    tell(options.watch?.look(monotonicNs()), 'news');
    if (counted >= limit) stop.now();
    return items.length;
  };
  const frame = (): string =>
    (view.frame(clock.nowNs(), clock.unixOffsetNs()) ?? '') + below.news + below.stats;
  const lastFrame = (): string => {
    const nowNs = clock.nowNs();
    const offsetNs = clock.unixOffsetNs();
    return (view.end ? view.end(nowNs, offsetNs) : view.frame(nowNs, offsetNs)) ?? '';
  };
  const tell = (line: string | undefined, place: keyof typeof below): void => {
    if (line === undefined) return;
    if (live && output.hasMessages) below[place] = `${line}\n`;
    else output.tell(line);
  };
  const showInterval = (): void => {
    const nowNs = clock.nowNs();
    tell(options.watch?.interval(nowNs), 'news');
    tell(options.stats?.(nowNs, clock.unixOffsetNs(), unshown()), 'stats');
    if (live) live.tick();
    else if (options.onlyLastFrame) return;
    // The state is in the next one too.
    else if (!view.hasRow && !source.keeps && output.backlog > 0) skipInterval();
    else output.append(frame());
  };
  const skipInterval = (): void => {
    if (skippedIntervals++ === 0) output.tell('output is slow: leaving out intervals, totals exact');
  };
  const unshown = (): Unshown => {
    const { abandonedLines } = output;
    if (!view.hasRow)
      return { rows: 0, reasons: [], intervals: skippedIntervals + (abandonedLines > 0 ? 1 : 0) };
    const reasons = [
      ...(sample.wasSlow || abandonedLines > 0 ? ['slow output'] : []),
      ...(options.watch ? ['--max-cpu'] : []),
    ];
    return { rows: sample.hidden + abandonedLines, reasons, intervals: 0 };
  };

  try {
    const endNs = options.durationMs === undefined ? Infinity : startedNs + options.durationMs * 1e6;
    let nextTickNs = startedNs + options.intervalMs * 1e6;
    for (const reducer of reducers) reducer.tick(startedNs);
    streams.stderr.write(`${options.status}\n`);
    output.append(view.begin());
    live = startLive(options, streams, output, stop, frame);
    if (live && output.hasMessages) output.keepLines((options.stats ? 1 : 0) + (options.watch ? 1 : 0));
    while (!stop.stopped) {
      const came = await look(() => output.taken(GRACE_MS));
      const pollNs = source.restNs ?? pollAfter(came);
      const nowNs = clock.nowNs();
      const isLast = nowNs >= endNs || source.ended === true;
      if (nowNs >= nextTickNs) {
        for (const reducer of reducers) reducer.tick(nowNs);
        // The last frame is still to come.
        if (isLast) break;
        showInterval();
        nextTickNs = Math.max(nextTickNs + options.intervalMs * 1e6, nowNs);
      }
      if (isLast) break;
      if (source.keeps && !live) await output.ready();
      await clock.sleep(Math.min(pollNs, Math.max(0, Math.min(nextTickNs, endNs) - nowNs)), stop);
    }
    await live?.release();
    source.stop();
    // Nothing more comes: there is time to show all that has.
    await look(() => output.finish(source.keeps === true));
    // The interval that has just begun is too short for a rate: the last frame shows the one before it.
    if (live) await live.last(lastFrame());
    else output.append(lastFrame());
    endedNs = clock.nowNs();
    await output.finish(source.keeps === true);
  } finally {
    await live?.release();
    stop.release();
    output.close();
  }
  output.requireWritten();
  return { elapsedNs: endedNs - startedNs, endedNs, unshown: unshown(), wantsSummary: output.wantsSummary };
}

/** What is drawn over itself: on a terminal, a view that says so. */
function startLive<Item>(
  { view, display }: SessionOptions<Item>,
  streams: Streams,
  output: Output,
  stop: StopSignal,
  render: () => string,
): Live | undefined {
  if (!streams.stdout.isTTY || display.plain || !view.key) return undefined;
  const key = (name: string, nowNs: number): boolean => view.key?.(name, nowNs) === true;
  const live = new Live({ render, key, display, output, stop, stdin: streams.stdin });
  stop.beforeDeath = () => {
    live.restore();
  };
  return live;
}

function pollAfter(items: number): number {
  if (items >= FLOOD_ITEMS) return POLL_NS.flood;
  return items > 0 ? POLL_NS.busy : POLL_NS.idle;
}
