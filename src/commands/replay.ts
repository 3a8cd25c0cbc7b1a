import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { attributionFlags, toAttributionFilter } from '../cli/attribution-flags.js';
import { BaseCommand } from '../cli/base-command.js';
import { filterFlags, isUnfiltered, minLatencyFlag, toFilter } from '../cli/filter-flags.js';
import { openRecorder, recordFlags } from '../cli/record-flags.js';
import { openRecordings, type OpenRecordings } from '../cli/recordings.js';
import { clockOf, ReplaySource } from '../cli/replay-source.js';
import { replayAttributor, wantsOfReplay, withoutPlaces } from '../cli/replay-attribution.js';
import { retransFlags } from '../cli/retrans-flags.js';
import { runReport } from '../cli/run-report.js';
import { subjectOf } from '../cli/subjects.js';
import { parseSpeed } from '../cli/values.js';
import { countFlag, currentDisplay, parseTiming, viewFlags } from '../cli/view-flags.js';
import { isEmptyFilter } from '../model/attribution-filter.js';
import { NameBook } from '../model/name-book.js';
import { formatCount, formatElapsed } from '../model/units.js';
import type { MergedRecording } from '../record/merge.js';
import type { RecordedItem } from '../record/items.js';
import { replayClock } from '../session/clock.js';

/** Columns of a heatmap on a pipe, and of LAST. */
const INTERVALS = 60;

export default class Replay extends BaseCommand {
  static override summary = 'Show recordings as the command that made them would.';
  static override description =
    'Takes what connlat --record or retrans --record wrote, with every view, filter and output of that command; needs neither root nor ' +
    'Linux. Several files (of several hosts) are shown as one, in the order of time; where both ends of a connection were recorded, ' +
    'the difference between the clocks of their hosts is estimated, said and taken out.';

  static override examples = [
    { description: 'Rows, as they were', command: '<%= config.bin %> <%= command.id %> incident.tcpscope' },
    {
      description: 'Who could not reach whom',
      command: '<%= config.bin %> <%= command.id %> incident.tcpscope --by container,remote --sort fail',
    },
    {
      description: 'Two hosts as one',
      command: '<%= config.bin %> <%= command.id %> web-1.tcpscope web-2.tcpscope --by host,result',
    },
    {
      description: 'A copy without addresses and names, to hand on',
      command: '<%= config.bin %> <%= command.id %> incident.tcpscope --record shared.tcpscope --redact',
    },
  ];

  static override strict = false;

  static override args = {
    file: Args.string({ description: 'Recordings; several are shown as one.', required: true }),
  };

  static override flags = {
    ...viewFlags,
    interval: Flags.string({
      description:
        'Recorded time of an interval, and off a terminal between two tables; if not given, a table is of the whole recording.',
      helpValue: '1s',
      helpGroup: 'VIEW',
    }),
    count: countFlag('finished attempts or retransmissions'),
    speed: Flags.string({
      description: 'full, or how much faster than it was: 1x as it was, 10x.',
      helpValue: '1x',
      default: 'full',
      helpGroup: 'REPLAY',
    }),
    follow: Flags.boolean({
      description: 'Go on as the file grows, until its end is written.',
      helpGroup: 'REPLAY',
    }),
    ...filterFlags,
    ...attributionFlags,
    ...recordFlags,
    'min-latency': minLatencyFlag(
      'Only attempts that took, or flows that had stood still, at least this long.',
    ),
    ...retransFlags,
  };

  async run(): Promise<void> {
    const { flags: given, argv } = await this.parse(Replay);
    const paths = this.pathsIn(argv as string[]);
    if (given.follow && paths.length > 1) throw new RangeError('--follow is for one file');
    const speed = parseSpeed(given.speed);
    const filter = toFilter(withoutPlaces(given));
    const display = currentDisplay(given);
    const opened = await openRecordings(paths);
    const { recording, files, command } = opened;
    const whole = given.interval === undefined && speed === 'full' && !given.follow;
    const flags = { ...given, interval: given.interval ?? (whole ? intervalOf(recording) : '1s') };
    const timing = parseTiming(flags);
    try {
      const subject = subjectOf(command);
      const passes = wantsOfReplay(flags, subject.wants(filter, flags));
      let passed = 0;
      const wants = (item: RecordedItem): boolean => {
        const isWanted = passes(item);
        if (isWanted) passed++;
        return isWanted;
      };
      const names = new NameBook();
      const attribute = await replayAttributor(flags, names);
      const unfiltered =
        isUnfiltered(filter) &&
        isEmptyFilter(toAttributionFilter(flags)) &&
        !flags.cgroup &&
        !flags.netns &&
        !flags.kind &&
        !flags.state;
      const source = new ReplaySource<RecordedItem>(recording, {
        follow: flags.follow,
        losses: () => opened.losses(),
      });
      const clock = replayClock({
        startNs: recording.startedNs,
        speed,
        unixOffsetNs: () => recording.clockOffsetAt(clock.nowNs()),
      });
      const report = subject.report({
        flags,
        display,
        context: { clockOffsetNs: 0, timeFormat: flags.time, startedNs: recording.startedNs },
        names,
        whole,
        endpointNames: { addresses: flags.dns, ports: flags.dns && !flags.numeric },
        revealed: [
          ...(recording.hosts.length > 1 ? ['host'] : []),
          ...(flags.config || recording.hasRegions ? ['region'] : []),
        ],
      });
      await runReport<RecordedItem>({
        source,
        report,
        clock: clockOf(source, clock),
        // A heatmap off a terminal prints its intervals by pages.
        onlyLastFrame: whole && !flags.heatmap,
        attribute,
        wants,
        openRecorder: () =>
          openRecorder(
            flags,
            {
              tcpscope: this.config.version,
              command,
              arguments: files[0]?.head.arguments ?? [],
              filtered: !unfiltered || files.some(({ head }) => head.filtered),
              host: { ...files[0]!.head.host, name: recording.hosts.join(', ') },
            },
            {
              readClock: () => {
                const monotonicNs = clock.nowNs();
                return {
                  monotonicNs,
                  unixNs: BigInt(monotonicNs) + BigInt(recording.clockOffsetAt(monotonicNs)),
                };
              },
            },
          ),
        status: describe(opened),
        display,
        timing,
        // Of a part, or of several hosts, it says nothing.
        audit: () => {
          const [only, another] = files;
          const isWhole = unfiltered && source.ended && !another && only?.complete;
          return isWhole ? (only.progress.audit ?? undefined) : undefined;
        },
      });
      if (recording.itemCount > 0 && passed === 0)
        process.stderr.write(`none of ${formatCount(recording.itemCount)} events passes the filters\n`);
      for (const remark of files.flatMap(({ remarks }) => remarks)) process.stderr.write(`${remark}\n`);
    } finally {
      await opened.close();
    }
  }

  /** oclif takes what it does not know for a file where there may be several. */
  private pathsIn(words: readonly string[]): string[] {
    const flag = words.find((word) => /^-./.test(word));
    if (flag !== undefined) throw this.unknownFlag(flag);
    return [...words];
  }
}

/** Such that a heatmap, or a table's column LAST, reaches over the whole recording. */
function intervalOf({ startedNs, endedNs }: MergedRecording): string {
  const seconds = Math.ceil((endedNs - startedNs) / 1e9 / INTERVALS);
  return `${Math.max(1, seconds)}s`;
}

/** What is replayed, and what is to be known of it. */
function describe({ recording, files, command }: OpenRecordings): string {
  const { hosts, itemCount, startedNs, endedNs, remarks } = recording;
  const what = files.length === 1 ? (files[0]?.label ?? '') : `${formatCount(files.length)} files`;
  const begun = new Date((startedNs + recording.clockOffsetAt(startedNs)) / 1e6).toISOString();
  const head =
    `Replaying ${what}: ${command} on ${hosts.join(', ')} from ${begun}, ` +
    `${formatElapsed(endedNs - startedNs)}, ${formatCount(itemCount)} events`;
  return [head, ...remarks].join('\n');
}
