/** Shows what a source sees, records it where asked to, and says at the end how far that may be trusted. */
import { AttributedSource } from '../attribute/attributed-source.js';
import type { Reducer } from '../aggregate/reducer.js';
import { EXIT } from '../model/failure.js';
import type { Flow } from '../model/flow.js';
import type { Meeting } from '../model/meeting.js';
import type { TextContext } from '../model/column.js';
import type { Recorder } from '../model/recorder.js';
import type { SelfCost } from '../model/self-cost.js';
import type { Losses, Source } from '../model/source.js';
import { formatCount } from '../model/units.js';
import { monotonicNs, type Clock } from '../session/clock.js';
import { processCost } from '../session/process-cost.js';
import { runSession, type SessionOptions, type Watch } from '../session/run.js';
import { createStatsJson, createStatsText } from '../view/self-cost.js';
import { summary } from '../view/summary.js';
import type { Display } from '../view/view.js';
import { wrapped } from '../view/width.js';
import type { Report } from './report.js';

/** A recorder that has an end. */
export interface OpenRecorder<Item> extends Recorder<Item> {
  /** The name of a remote address, which may come later than the items that have it. */
  name(address: string, name: string): void;
  /** Resolves when all is in the file. */
  close(end: { endedNs: number; losses: Losses; audit: string | undefined }): Promise<void>;
  /** `file` is safe to print; `failed`: it could not be written to its end. */
  facts(): { file: string; items: number; dropped: number; failed: boolean };
}

export interface StatsOptions {
  json: boolean;
  context: TextContext;
}

export interface ReportRun<Item> {
  source: Source<Item | Meeting>;
  report: Report<Item>;
  attribute(flow: Flow, nowNs: number): void;
  wants(item: Item): boolean;
  /** Begins the recording that was asked for, once it is known that tracing works. */
  openRecorder(): Promise<OpenRecorder<Item> | undefined>;
  /** Gives up what the run needs no more: called when all is open. Gives a warning if that failed. */
  renounce?: () => string | undefined;
  status: string;
  display: Display;
  timing: { intervalMs: number; durationMs: number | undefined; count: number | undefined };
  /** `--stats`: what the tool costs, once an interval. */
  stats?: StatsOptions | undefined;
  /** `--max-cpu`. */
  watch?: Watch | undefined;
  /** Off a terminal, only the last frame is written. */
  onlyLastFrame?: boolean;
  /** Default: the time of this host. */
  clock?: Clock;
  /** How the totals compare with the kernel's counters; undefined where a filter makes that meaningless. */
  audit(): string | undefined;
}

/** The source and the recording are closed at the end, whatever happens. */
export async function runReport<Item extends Flow & { type: string }>(run: ReportRun<Item>): Promise<void> {
  const { source, report, display } = run;
  let recorder: OpenRecorder<Item> | undefined;
  let end = { endedNs: run.clock?.nowNs() ?? monotonicNs(), audit: undefined as string | undefined };
  try {
    recorder = await run.openRecorder();
    const warning = run.renounce?.();
    const status = warning === undefined ? run.status : `${warning}\n${run.status}`;
    const { elapsedNs, endedNs, unshown, wantsSummary } = await runSession({
      source: new AttributedSource(source, { ...run, recorder }),
      reducers: recorder ? [...report.reducers, recorded(recorder)] : report.reducers,
      view: report.view,
      counts: (item) => report.counts(item),
      status: folded(status, display),
      display,
      onlyLastFrame: run.onlyLastFrame ?? false,
      ...(run.clock ? { clock: run.clock } : {}),
      watch: run.watch,
      stats: run.stats && statsOf(run, run.stats),
      ...run.timing,
    });
    const audit = run.audit();
    end = { endedNs, audit };
    if (!wantsSummary) return;
    process.stderr.write(
      summary({
        facts: report.facts(),
        durationNs: elapsedNs,
        losses: source.losses(),
        unshown,
        cost: source.keeps ? undefined : costOf(source),
        ...(audit === undefined ? {} : { audit }),
        colorLevel: 0,
        width: process.stderr.isTTY ? display.width : undefined,
      }),
    );
  } finally {
    await recorder?.close({ ...end, losses: source.losses() });
    source.close();
  }
  const facts = recorder?.facts();
  if (facts) process.stderr.write(`${folded(recordedSentence(facts), display)}\n`);
  if (facts?.failed) process.exitCode = EXIT.failure;
}

function costOf(source: Pick<Source<never>, 'kernelCost'>): SelfCost {
  return { ...processCost(), kernel: source.kernelCost?.() };
}

function statsOf<Item>(
  { source, report }: ReportRun<Item>,
  { json, context }: StatsOptions,
): SessionOptions<Item>['stats'] {
  const text = json ? createStatsJson(context) : createStatsText();
  return (nowNs, clockOffsetNs, { rows }) =>
    text(
      {
        cost: costOf(source),
        events: report.facts().count,
        lost: source.losses().lost,
        rowsNotShown: rows,
      },
      nowNs,
      clockOffsetNs,
    );
}

/** Lines of the terminal's width. */
function folded(text: string, { width }: Display): string {
  return text
    .split('\n')
    .flatMap((line) => wrapped(line, process.stderr.isTTY ? width : undefined))
    .join('\n');
}

/** What is shown is recorded, no more and no less. */
function recorded<Item>(recorder: OpenRecorder<Item>): Reducer<Item> {
  return {
    add(item) {
      recorder.add(item);
    },
    tick: () => undefined,
  };
}

/** What is in the file, and what is not. */
function recordedSentence({ file, items, dropped }: ReturnType<OpenRecorder<never>['facts']>): string {
  const sentence = `recorded ${formatCount(items)} ${items === 1 ? 'event' : 'events'} in ${file}`;
  return dropped === 0 ? sentence : `${sentence}; the disk was too slow for ${formatCount(dropped)} more`;
}
