/** What recordings may be of: how each is shown, and what of its flags only it has. */
import type { Sides } from '../aggregate/diff.js';
import { EXIT, Failure } from '../model/failure.js';
import { flowTest } from '../model/flow-filter.js';
import type { Handshake } from '../model/handshake.js';
import { isRetransmit, type RetransItem } from '../model/retransmit.js';
import type { RecordedItem } from '../record/items.js';
import type { Filter } from '../events/shared.js';
import type { NameBook } from '../model/name-book.js';
import { compareHandshakes, compareRetransmits, type Comparison } from './diff-report.js';
import { connlatReport } from './connlat-report.js';
import type { Report, ReportOptions } from './report.js';
import { retransReport, type RetransViewFlagValues } from './retrans-report.js';
import { toRetransFilter, wantsRetransmit } from './retrans-flags.js';

/** Flags that have a meaning for one kind of recordings only. */
export interface OwnFlagValues {
  kind?: string[] | undefined;
  state?: string[] | undefined;
  'absolute-seq'?: boolean;
}

export interface Subject {
  report(options: ReportOptions<RetransViewFlagValues>): Report<RecordedItem>;
  /** Decides as the kernel side does while it traces. */
  wants(filter: Filter, flags: OwnFlagValues): (item: RecordedItem) => boolean;
  compare(by: readonly string[], names: NameBook, startedNs: Sides<number>): Comparison<RecordedItem>;
}

const connlat: Subject = {
  compare(...options): Comparison<Handshake> {
    return compareHandshakes(...options);
  },
  report(options): Report<Handshake> {
    return connlatReport(options);
  },
  wants(filter, flags) {
    if (flags.kind || flags.state || flags['absolute-seq'])
      throw new RangeError('--kind, --state and --absolute-seq are for recordings of retrans');
    const ofFlow = flowTest(filter);
    return (item) => {
      const { startNs, endNs } = item as Handshake;
      return endNs - startNs >= filter.minLatencyNs && ofFlow(item);
    };
  },
};

const retrans: Subject = {
  compare: (...options) => compareRetransmits(...options),
  report: (options) => retransReport(options),
  wants(filter, flags) {
    const own = toRetransFilter(flags);
    const ofFlow = flowTest(filter);
    return (item) => {
      const each = item as RetransItem;
      return ofFlow(each) && (!isRetransmit(each) || wantsRetransmit(own, filter.minLatencyNs, each));
    };
  },
};

const SUBJECTS: Readonly<Record<string, Subject>> = { connlat, retrans };

/** @throws {Failure} for a command that this version does not know. */
export function subjectOf(command: string): Subject {
  const subject = Object.hasOwn(SUBJECTS, command) ? SUBJECTS[command] : undefined;
  if (subject) return subject;
  throw new Failure(
    EXIT.failure,
    `This recording is of "${command}", which this version of tcpscope does not know.`,
    `It knows recordings of ${Object.keys(SUBJECTS).join(' and ')}.`,
    'Use the version that made it, or a later one.',
  );
}
