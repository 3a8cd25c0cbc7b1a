import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { Side, Sides } from '../aggregate/diff.js';
import { attributionFlags, toAttributionFilter } from '../cli/attribution-flags.js';
import { BaseCommand } from '../cli/base-command.js';
import type { Comparison } from '../cli/diff-report.js';
import { filterFlags, minLatencyFlag, toFilter } from '../cli/filter-flags.js';
import { openRecordings, type OpenRecordings } from '../cli/recordings.js';
import { print } from '../cli/print.js';
import { replayAttributor, wantsOfReplay, withoutPlaces } from '../cli/replay-attribution.js';
import { retransFlags } from '../cli/retrans-flags.js';
import { subjectOf } from '../cli/subjects.js';
import { chooseColumns, chooseSorting, currentDisplay, viewFlags } from '../cli/view-flags.js';
import { parseAlpha, parseWhole } from '../cli/values.js';
import { NameBook } from '../model/name-book.js';
import { formatCount } from '../model/units.js';
import type { RecordedItem } from '../record/items.js';
import { diffNotes, diffText, type DiffRecording } from '../view/diff.js';
import { handshakeDiffColumns } from '../view/handshake-diff-columns.js';
import { createCsvTableView, createJsonTableView } from '../view/machine-views.js';
import { retransmitDiffColumns } from '../view/retransmit-diff-columns.js';

const { json, csv, columns, wide, sort, top, plain } = viewFlags;
const { kind, state } = retransFlags;
const NO_TIME = { before: 0, after: 0 };

export default class Diff extends BaseCommand {
  static override summary = 'Compare two recordings: what changed, and whether it is chance.';
  static override description =
    'Compares two recordings of the same command group by group, biggest change first. P is the probability of a difference at least as big ' +
    'if nothing had changed: by rank sums of latencies, and Fisher’s exact test of failures and lost SYNs, corrected for bursts and for ' +
    'the number of comparisons.';

  static override examples = [
    {
      description: 'By peer',
      command: '<%= config.bin %> <%= command.id %> monday.tcpscope tuesday.tcpscope',
    },
    {
      description: 'By service',
      command: '<%= config.bin %> <%= command.id %> before.tcpscope after.tcpscope --by container',
    },
    {
      description: 'What changed, for jq',
      command: `<%= config.bin %> <%= command.id %> before.tcpscope after.tcpscope --json | jq 'select(.class == "changed")'`,
    },
  ];

  static override args = {
    before: Args.string({ description: 'Recording of before.', required: true }),
    after: Args.string({ description: 'Recording of after.', required: true }),
  };

  static override flags = {
    by: Flags.string({
      description: 'What to compare by: KEY[,KEY], as of the command that was recorded; remote if not given.',
      helpValue: 'KEY',
      helpGroup: 'VIEW',
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',',
    }),
    json,
    csv,
    columns,
    wide,
    sort,
    top,
    plain,
    alpha: Flags.string({
      description: 'A difference counts as a change if P is at most this.',
      helpValue: 'P',
      default: '0.01',
      helpGroup: 'VIEW',
    }),
    ...filterFlags,
    ...attributionFlags,
    'min-latency': minLatencyFlag(
      'Only attempts that took, or flows that had stood still, at least this long.',
    ),
    kind,
    state,
  };

  /** What the man page says beside the flags. */
  static comparison = {
    rows: handshakeDiffColumns([], NO_TIME),
    groups: retransmitDiffColumns([], NO_TIME),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Diff);
    const alpha = parseAlpha(flags.alpha);
    const opened: OpenRecordings[] = [];
    try {
      for (const path of [args.before, args.after]) opened.push(await openRecordings([path]));
      const [before, after] = opened as [OpenRecordings, OpenRecordings];
      const sides: Sides<OpenRecordings> = { before, after };
      const names = new NameBook();
      const comparison = await this.compared(sides, names, flags);
      const durationsNs = { before: durationNs(before), after: durationNs(after) };
      const result = comparison.finish(durationsNs, alpha);
      const display = currentDisplay(flags);
      const remarks = opened.flatMap(({ files }) => files.flatMap((file) => file.remarks));
      const machine = flags.json || flags.csv;
      const all = comparison.columns(durationsNs);
      const context = { clockOffsetNs: 0, timeFormat: 'utc', startedNs: 0 } as const;
      const table = {
        rows: () => result.rows,
        notes: () => diffNotes(result),
        columns: chooseColumns(all, flags, machine),
        display: machine ? { ...display, width: undefined } : { ...display, height: undefined },
        context,
        ...(flags.sort === undefined ? {} : { sorting: chooseSorting(all, flags.sort) }),
        ...(flags.top === undefined
          ? {}
          : { top: parseWhole('--top', flags.top, 1, Number.MAX_SAFE_INTEGER) }),
      };
      if (machine) {
        const view = flags.json ? createJsonTableView(table) : createCsvTableView(table);
        const { recording } = after;
        const { endedNs } = recording;
        for (const remark of remarks) process.stderr.write(`${remark}\n`);
        await print(view.begin() + (view.frame(endedNs, recording.clockOffsetAt(endedNs)) ?? ''));
      } else {
        const recordings = {
          before: recordingOf('before', sides, comparison),
          after: recordingOf('after', sides, comparison),
        };
        const { noun, method } = comparison;
        const warnings = [...warningsOf(sides), ...remarks];
        const head = { recordings, noun, method, comparisons: result.comparisons, alpha, warnings };
        await print(diffText(head, table, context));
      }
    } finally {
      for (const each of opened) await each.close();
    }
  }

  /** Reads both sides. */
  private async compared(
    sides: Sides<OpenRecordings>,
    names: NameBook,
    flags: Parameters<typeof toFilter>[0] &
      Parameters<typeof toAttributionFilter>[0] & {
        by?: string[] | undefined;
        kind?: string[] | undefined;
        state?: string[] | undefined;
      },
  ): Promise<Comparison<RecordedItem>> {
    const { before, after } = sides;
    if (before.command !== after.command)
      throw new RangeError(
        `a recording of ${before.command} cannot be compared with one of ${after.command}`,
      );
    const subject = subjectOf(before.command);
    const attribute = await replayAttributor(flags, names);
    const wants = wantsOfReplay(flags, subject.wants(toFilter(withoutPlaces(flags)), flags));
    const startedNs = { before: before.recording.startedNs, after: after.recording.startedNs };
    const comparison = subject.compare(flags.by ?? ['remote'], names, startedNs);
    for (const side of ['before', 'after'] as const)
      for await (const batch of sides[side].recording.items())
        for (const item of batch) {
          attribute(item);
          if (wants(item)) comparison.add(side, item);
        }
    return comparison;
  }
}

function durationNs({ recording: { startedNs, endedNs } }: OpenRecordings): number {
  return endedNs - startedNs;
}

/** A line on one side. */
function recordingOf(
  side: Side,
  sides: Sides<OpenRecordings>,
  comparison: Comparison<RecordedItem>,
): DiffRecording {
  const { files } = sides[side];
  const { lost } = sides[side].losses();
  const { count } = comparison.facts(side);
  return {
    name: files[0]?.label ?? '',
    durationNs: durationNs(sides[side]),
    count,
    notes: lost > 0 ? [`${formatCount(lost)} events lost`] : [],
  };
}

/** What speaks against comparing them. */
function warningsOf({ before, after }: Sides<OpenRecordings>): string[] {
  const warnings: string[] = [];
  const [hostBefore, hostAfter] = [before.recording.hosts.join(', '), after.recording.hosts.join(', ')];
  if (hostBefore !== hostAfter) warnings.push(`different hosts: ${hostBefore}, ${hostAfter}`);
  const isFiltered = ({ files }: OpenRecordings): boolean => files.some(({ head }) => head.filtered);
  if (isFiltered(before) !== isFiltered(after)) warnings.push('only one of them was recorded with filters');
  return warnings;
}
