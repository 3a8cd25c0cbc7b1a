/** Several recordings as one, in the order of time. */
import { formatDuration } from '../model/units.js';
import type { ClockTrack } from './clock.js';
import { ITEM_SCHEMAS, itemTimeNs, itemType, type ItemType, type RecordedItem } from './items.js';
import type { End } from './meetings.js';
import { OrderedItems } from './ordered.js';
import type { RecordingFile, Wait } from './reader.js';
import { estimateSkews, type Ends, type Skew } from './skew.js';
import { survey, type Survey } from './survey.js';

/** What a host's clock is ahead of the first host's; undefined if they have no connection in common. */
export interface HostSkew {
  readonly host: string;
  readonly skew: Skew | undefined;
}

export interface MergedRecording {
  /** Names, each once. */
  readonly hosts: readonly string[];
  /** Of each other clock than the first. */
  readonly skews: readonly HostSkew[];
  /** What the user should know, a sentence each: skews, clocks that were set, files that overlap. */
  readonly remarks: readonly string[];
  /** Monotonic, of the first file's host, as are the times of all items. */
  readonly startedNs: number;
  /** That of the last item, where a file has no end. */
  readonly endedNs: number;
  readonly itemCount: number;
  /** True if a configuration said where addresses are. */
  readonly hasRegions: boolean;
  /** What the first host's wall clock showed minus that: Unix time of a time of an item. A multiple of 1,024 ns. */
  clockOffsetAt(timeNs: number): number;
  /**
   * Batches of items in the order of time; with several files they have a `host`. `follow` goes on as the file grows, and is for a single
   * file only, whose items come as they were recorded.
   */
  items(options?: { follow?: Wait }): AsyncGenerator<RecordedItem[], void>;
}

const BATCH = 1024;
/** Shifts are multiples of this, so that numbers hold shifted times exactly. */
const SHIFT_UNIT_NS = 1024;
/** Files whose times come from the same clock. */
interface Clock {
  readonly host: string;
  readonly track: ClockTrack;
  readonly files: number[];
  skewNs: number;
}

interface Part {
  readonly file: RecordingFile;
  readonly survey: Survey;
  readonly clock: Clock;
}

/** Reads all files once, to see how their clocks are related. At least one file. */
export async function mergeRecordings(files: readonly RecordingFile[]): Promise<MergedRecording> {
  const surveys: Survey[] = [];
  for (const file of files) surveys.push(await survey(file));
  const clocks = clocksOf(files, surveys);
  const parts = files.map((file, index) => ({
    file,
    survey: surveys[index]!,
    clock: clocks.find((clock) => clock.files.includes(index))!,
  }));
  const merger = new Merger(parts, clocks);
  return merger.result();
}

/** Recordings of one boot of a host share a clock. */
function clocksOf(files: readonly RecordingFile[], surveys: readonly Survey[]): Clock[] {
  const clocks = new Map<string, Clock>();
  for (const [index, { head }] of files.entries()) {
    const { name, bootId } = head.host;
    const key = bootId === undefined ? `file ${index}` : `boot ${bootId}`;
    const known = clocks.get(key);
    if (known) known.files.push(index);
    else clocks.set(key, { host: name, track: surveys[index]!.clock, files: [index], skewNs: 0 });
  }
  return [...clocks.values()];
}

class Merger {
  private readonly base: ClockTrack;
  private readonly skews: readonly HostSkew[];

  constructor(
    private readonly parts: readonly Part[],
    private readonly clocks: readonly Clock[],
  ) {
    this.base = clocks[0]!.track;
    const ends = clocks.map((clock) => this.endsOf(clock));
    const found = clocks.length > 1 ? estimateSkews(ends) : [];
    this.skews = clocks.slice(1).map((clock, index) => {
      const skew = found[index];
      clock.skewNs = skew?.skewNs ?? 0;
      return { host: clock.host, skew };
    });
  }

  result(): MergedRecording {
    const { parts, skews } = this;
    const ranges = parts.map((part) => this.range(part));
    return {
      hosts: [...new Set(parts.map(({ file }) => file.head.host.name))],
      skews,
      remarks: [...this.skewRemarks(), ...this.stepRemarks(), ...this.overlapRemarks()],
      startedNs: Math.min(...ranges.map(([started]) => started)),
      endedNs: Math.max(...ranges.map(([, ended]) => ended)),
      itemCount: parts.reduce((sum, part) => sum + part.survey.items, 0),
      hasRegions: parts.some(({ survey: { hasRegions } }) => hasRegions),
      clockOffsetAt: (timeNs) => this.base.offsetAt(timeNs),
      items: (options) => this.items(options),
    };
  }

  private async *items({ follow }: { follow?: Wait } = {}): AsyncGenerator<RecordedItem[], void> {
    const [only, ...others] = this.parts;
    if (only && others.length === 0) {
      const { names } = only.survey;
      yield* only.file.items(follow ? { follow, names } : { names });
      return;
    }
    const sources = this.parts.map((part) => new OrderedItems(this.shifted(part)));
    let batch: RecordedItem[] = [];
    for (;;) {
      for (const source of sources) await source.fill();
      const item = earliest(sources)?.take();
      if (item) batch.push(item);
      if (batch.length > 0 && (!item || batch.length >= BATCH)) {
        yield batch;
        batch = [];
      }
      if (!item) return;
    }
  }

  /** The items of a file in the time of the first host, and saying their own. */
  private async *shifted({ file, survey: { names }, clock }: Part): AsyncGenerator<RecordedItem[], void> {
    const host = file.head.host.name;
    for await (const batch of file.items({ names })) {
      for (const item of batch) {
        shift(item, this.shiftNs(clock, itemTimeNs(item)));
        item.host ??= host;
      }
      yield batch;
    }
  }

  /** What to add to a time of this clock. */
  private shiftNs(clock: Clock, timeNs: number): number {
    if (clock === this.clocks[0]) return 0;
    const offsetNs = clock.track.offsetAt(timeNs);
    const skewNs = Math.round(clock.skewNs / SHIFT_UNIT_NS) * SHIFT_UNIT_NS;
    return offsetNs - skewNs - this.base.offsetAtUnix(timeNs + offsetNs - skewNs);
  }

  private endsOf(clock: Clock): Ends {
    const all = new Map<string, End[]>();
    for (const index of clock.files)
      for (const [key, ends] of this.parts[index]!.survey.meetings.byKey()) {
        const shifted = ends.map((end) => ({ ...end, timeNs: end.timeNs + this.shiftNs(clock, end.timeNs) }));
        all.set(key, [...(all.get(key) ?? []), ...shifted]);
      }
    return all;
  }

  private range({ file, survey: { lastNs }, clock }: Part): [started: number, ended: number] {
    const { monotonicNs } = file.head.clock;
    // What is not there is no part of the time.
    const ended = (file.complete ? file.progress.endedNs : null) ?? lastNs ?? monotonicNs;
    return [monotonicNs + this.shiftNs(clock, monotonicNs), ended + this.shiftNs(clock, ended)];
  }

  private skewRemarks(): string[] {
    const first = this.clocks[0]!.host;
    return this.skews.map(({ host, skew }) => {
      if (!skew)
        return `no connection between ${first} and ${host} was recorded at both ends: their clocks are taken as they are`;
      const way = skew.skewNs < 0 ? 'behind' : 'ahead of';
      const by = formatDuration(Math.abs(skew.skewNs));
      const told = `${skew.pairs} ${skew.pairs === 1 ? 'connection' : 'connections'} recorded at both ends`;
      return `the clock of ${host} is ${by} ${way} that of ${first} (± ${formatDuration(skew.uncertaintyNs)}, from ${told}): corrected`;
    });
  }

  private stepRemarks(): string[] {
    return this.clocks.flatMap(({ host, track }) =>
      track
        .steps()
        .map(
          (ns) =>
            `the wall clock of ${host} was set ${ns < 0 ? 'back' : 'forward'} by ${formatDuration(Math.abs(ns))} while recording, or the host slept`,
        ),
    );
  }

  private overlapRemarks(): string[] {
    const remarks: string[] = [];
    for (const [index, part] of this.parts.entries())
      for (const other of this.parts.slice(index + 1))
        if (
          part.clock === other.clock &&
          part.file.head.command === other.file.head.command &&
          this.overlap(part, other)
        )
          remarks.push(
            `${part.file.label} and ${other.file.label} overlap in time on ${part.clock.host}: what both recorded is there twice`,
          );
    return remarks;
  }

  private overlap(part: Part, other: Part): boolean {
    const [[startA, endA], [startB, endB]] = [this.range(part), this.range(other)];
    return startA < endB && startB < endA;
  }
}

function earliest(sources: readonly OrderedItems[]): OrderedItems | undefined {
  let [best, bestNs] = [undefined as OrderedItems | undefined, Infinity];
  for (const source of sources) {
    const ns = source.nextNs();
    if (ns < bestNs) [best, bestNs] = [source, ns];
  }
  return best;
}

const timeFields = (type: ItemType): (readonly [name: string, noneIsZero: boolean])[] =>
  ITEM_SCHEMAS[type].fields.flatMap(([name, kind]) =>
    kind === 'time' || kind === 'progress' ? [[name, kind === 'progress'] as const] : [],
  );

const TIME_FIELDS: Readonly<Record<ItemType, readonly (readonly [name: string, noneIsZero: boolean])[]>> = {
  handshake: timeFields('handshake'),
  retransmit: timeFields('retransmit'),
  socket: timeFields('socket'),
  meeting: timeFields('meeting'),
};

/** All times of an item together, so that no latency changes. */
function shift(item: RecordedItem, byNs: number): void {
  if (byNs === 0) return;
  const times = item as unknown as Record<string, number>;
  for (const [name, noneIsZero] of TIME_FIELDS[itemType(item)]) {
    if (noneIsZero && times[name] === 0) continue;
    times[name] = times[name]! + byNs;
    if (noneIsZero && times[name] === 0) times[name] = 1;
  }
}
