/** The run loop: source -> reducers and view -> text. */
import type { Reducer } from '../aggregate/reducer.js';
import type { Source } from '../model/source.js';
import type { Display, View } from '../view/view.js';
import { liveClock, type Clock } from './clock.js';
import { Live } from './live.js';
import { Output, type Streams } from './output.js';
import { StopSignal } from './stop-signal.js';

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
  /** Ends after this many items for which `counts` is true. */
  count: number | undefined;
  counts: (item: Item) => boolean;
  /** Off a terminal, only the last frame is written: of a recording nobody waits for the others. Default: each. */
  onlyLastFrame?: boolean;
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
  /** False if whoever read our output has gone: then nobody waits for a summary. */
  outputOpen: boolean;
}

/** Between two looks at the source: short while events pour in, longer when few or none come. */
const POLL_NS = { flood: 10e6, busy: 50e6, idle: 100e6 };
/** Items in one look that make a flood: 4,000 a second. */
const FLOOD_ITEMS = 200;

/** Runs until a signal, the duration, the count, the source's end or a closed output ends it; then drains what is left. */
export async function runSession<Item>(options: SessionOptions<Item>): Promise<SessionEnd> {
  const { source, view, reducers, clock = liveClock(), streams = process } = options;
  const startedNs = clock.nowNs();
  const stop = new StopSignal();
  const output = new Output(options.display, stop, streams.stdout);
  let counted = 0;

  const take = (): number => {
    const items = source.drain(clock.nowNs());
    const wanted = upTo(items, (options.count ?? Infinity) - counted, options.counts);
    for (const item of wanted) {
      for (const reducer of reducers) reducer.add(item);
      if (options.counts(item)) counted++;
    }
    output.append(view.items(wanted, clock.unixOffsetNs()));
    if (counted >= (options.count ?? Infinity)) stop.now();
    return items.length;
  };
  const frame = (): string => {
    return view.frame(clock.nowNs(), clock.unixOffsetNs()) ?? '';
  };
  const lastFrame = (): string => {
    const nowNs = clock.nowNs();
    const offsetNs = clock.unixOffsetNs();
    return (view.end ? view.end(nowNs, offsetNs) : view.frame(nowNs, offsetNs)) ?? '';
  };
  let live: Live | undefined;

  try {
    const endNs = options.durationMs === undefined ? Infinity : startedNs + options.durationMs * 1e6;
    let nextTickNs = startedNs + options.intervalMs * 1e6;
    for (const reducer of reducers) reducer.tick(startedNs);
    streams.stderr.write(`${options.status}\n`);
    output.append(view.begin());
    live = startLive(options, streams, output, stop, frame);
    while (!stop.stopped) {
      const came = take();
      const pollNs = source.restNs ?? pollAfter(came);
      const nowNs = clock.nowNs();
      const isLast = nowNs >= endNs || source.ended === true;
      if (nowNs >= nextTickNs) {
        for (const reducer of reducers) reducer.tick(nowNs);
        // The last frame is still to come.
        if (isLast) break;
        if (live) live.tick();
        else if (!options.onlyLastFrame) output.append(frame());
        nextTickNs = Math.max(nextTickNs + options.intervalMs * 1e6, nowNs);
      }
      if (isLast) break;
      // Over each other frames are skipped instead.
      if (!live) await output.ready();
      await clock.sleep(Math.min(pollNs, Math.max(0, Math.min(nextTickNs, endNs) - nowNs)), stop);
    }
    await live?.release();
    source.stop();
    take();
    // The interval that has just begun is too short for a rate: the last frame shows the one before it.
    if (live) await live.last(lastFrame());
    else output.append(lastFrame());
  } finally {
    await live?.release();
    stop.release();
    output.close();
  }
  output.requireWritten();
  const endedNs = clock.nowNs();
  return { elapsedNs: endedNs - startedNs, endedNs, outputOpen: output.open };
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

/** The items up to and including the one that is the `limit`-th to count. */
function upTo<Item>(items: Item[], limit: number, counts: (item: Item) => boolean): Item[] {
  if (items.length <= limit) return items;
  let left = limit;
  const end = items.findIndex((item) => counts(item) && --left < 0);
  return end < 0 ? items : items.slice(0, end);
}
