import type { HealthRow } from '../aggregate/health.js';
import { SIDES, type Side } from '../aggregate/health-sums.js';
import type { Column } from '../model/column.js';
import { OUTCOMES } from '../model/handshake.js';
import { KINDS } from '../model/retransmit.js';
import { formatShare, type ThresholdName } from '../model/thresholds.js';
import { formatCount, formatElapsed, formatRate } from '../model/units.js';
import { countColumn, lastColumn } from './group-columns.js';
import { countsText, judgementOf, MARKS, toneOf, WORDS } from './health-words.js';
import { durationText } from './quantiles.js';

type HealthColumn = Column<HealthRow>;

export interface HealthColumnsOptions {
  /** Header of what the rows are of. */
  header: string;
  /** Words in place of marks. */
  plain: boolean;
  intervalSeconds: () => number;
}

const SIDE_WORDS: Readonly<Record<Side, { short: string; of: string }>> = {
  internal: { short: 'IN', of: 'to internal addresses' },
  external: { short: 'OUT', of: 'to external addresses' },
};
const FAILURES = OUTCOMES.filter((outcome) => outcome !== 'ok' && outcome !== 'pending');

const hasListeners = ({ scope }: HealthRow): boolean => scope !== 'region';
const rounded = (value: number): number => Math.round(value * 1000) / 1000;
const keyOf = (word: string): string => word.replaceAll('-', '_');
const hidden = (column: HealthColumn): HealthColumn => ({ ...column, hidden: true });
/** A column whose cells say how they stand to a threshold. */
function judged(name: ThresholdName, plain: boolean, column: HealthColumn): HealthColumn {
  return {
    ...column,
    text(row, context, width) {
      const text = column.text(row, context, width);
      const standing = judgementOf(row, name)?.standing;
      if (standing !== 'near' && standing !== 'crossed') return text;
      return plain ? `${WORDS[standing]} ${text}` : MARKS[standing] + text;
    },
    tone: (row) => toneOf(judgementOf(row, name)?.standing),
  };
}

function shareColumn(
  column: Pick<HealthColumn, 'key' | 'header' | 'description'>,
  part: (row: HealthRow) => number,
  whole: (row: HealthRow) => number,
): HealthColumn {
  return {
    ...column,
    align: 'right',
    width: column.header.length,
    text: (row) => (whole(row) === 0 ? '-' : formatShare(Math.min(1, part(row) / whole(row)))),
    value: (row) => (whole(row) === 0 ? null : rounded(Math.min(100, (100 * part(row)) / whole(row)))),
  };
}

const count = (
  key: string,
  header: string,
  description: string,
  of: (row: HealthRow) => number,
): HealthColumn => countColumn<HealthRow>(key, header, description, of);

function nameColumns({ header, plain }: HealthColumnsOptions): HealthColumn[] {
  const column = { description: 'What the figures are of: host, namespace, container, unit or region.' };
  return [
    hidden({
      ...column,
      ...{ key: 'scope', header: 'SCOPE', align: 'left', width: 9 },
      text: ({ scope }) => scope,
      value: ({ scope }) => scope,
    }),
    {
      key: 'key',
      header,
      description: 'Its name; none: not known or not configured; other: what there was no room for.',
      align: 'left',
      width: 12,
      minWidth: header.length,
      text: ({ key, standing }) => (plain ? key : `${MARKS[standing]} ${key}`),
      value: ({ key }) => key,
      tone: ({ standing }) => toneOf(standing),
    },
    {
      key: 'standing',
      header: 'STANDING',
      description: 'The worst of its thresholds: ok, near (from 80 % on), crossed, or few: too few to tell.',
      align: 'left',
      width: 8,
      hidden: !plain,
      text: ({ standing }) => WORDS[standing],
      value: ({ standing }) => standing,
    },
  ];
}

function attemptColumns(plain: boolean): HealthColumn[] {
  return [
    count('attempts', 'ATTEMPTS', 'Attempts that ended.', ({ sums }) => sums.attempts),
    hidden({
      key: 'attempts_per_s',
      header: 'RATE/s',
      description: 'The same a second.',
      align: 'right',
      width: 6,
      text: ({ sums, seconds }) => formatRate(seconds > 0 ? sums.attempts / seconds : 0),
      value: ({ sums, seconds }) => (seconds > 0 ? rounded(sums.attempts / seconds) : null),
    }),
    hidden(count('ok', 'OK', 'Attempts that succeeded.', ({ sums }) => sums.ok)),
    judged('failures', plain, {
      ...count('failed', 'FAILED', 'Attempts that failed, in any way.', ({ sums }) => sums.failed),
      width: 6,
    }),
    hidden(
      shareColumn(
        { key: 'failed_percent', header: 'FAILED %', description: 'Share of the attempts that failed.' },
        ({ sums }) => sums.failed,
        ({ sums }) => sums.attempts,
      ),
    ),
    ...FAILURES.map((outcome) =>
      hidden(
        count(keyOf(outcome), outcome.toUpperCase(), `Attempts that ended ${outcome}.`, ({ sums }) =>
          sums.ended(outcome),
        ),
      ),
    ),
    hidden(
      count('syn_lost', 'LOST SYN', 'Attempts that had to send their SYN again.', ({ sums }) => sums.lostSyn),
    ),
    judged(
      'syn-loss',
      plain,
      shareColumn(
        {
          key: 'syn_loss_percent',
          header: 'SYN LOSS',
          description: 'Share of the attempts that had to send their SYN again.',
        },
        ({ sums }) => sums.lostSyn,
        ({ sums }) => sums.attempts,
      ),
    ),
  ];
}

/** What a narrow terminal can do without leaves it first: of the outside, and the median. */
const QUANTILE_DROPS: Readonly<Record<Side, Readonly<Record<50 | 95 | 99, number>>>> = {
  internal: { 50: 6, 95: 5, 99: 0 },
  external: { 50: 8, 95: 7, 99: 2 },
};

function latencyColumns(side: Side, plain: boolean): HealthColumn[] {
  const { short, of } = SIDE_WORDS[side];
  const quantile = (percent: 50 | 95 | 99): HealthColumn => {
    const ns = ({ sums }: HealthRow): number | undefined => sums.latency(side).quantile(percent / 100);
    return judged(`p${percent}-${side}`, plain, {
      key: `${side}_p${percent}_us`,
      header: `P${percent} ${short}`,
      description: `${percent === 50 ? 'Median' : `${percent}th percentile`} of the latency of ok attempts ${of}.`,
      align: 'right',
      width: 7,
      dropFirst: QUANTILE_DROPS[side][percent],
      text: (row) => durationText(ns(row)),
      value: (row) => {
        const value = ns(row);
        return value === undefined ? null : value / 1000;
      },
    });
  };
  return [
    hidden(
      count(
        `${side}_ok`,
        `OK ${short}`,
        `Attempts ${of} that succeeded.`,
        ({ sums }) => sums.latency(side).count,
      ),
    ),
    quantile(50),
    quantile(95),
    quantile(99),
  ];
}

function segmentColumns(plain: boolean): HealthColumn[] {
  return [
    hidden(
      count(
        'segments_sent',
        'SENT',
        'Segments sent, those sent again and bare ACKs included.',
        ({ sums }) => sums.sent,
      ),
    ),
    hidden(
      count(
        'retransmits',
        'RETRANS',
        'Segments sent again, but for SYNs and SYN-ACKs.',
        ({ sums }) => sums.resent,
      ),
    ),
    judged('retransmits', plain, {
      ...shareColumn(
        {
          key: 'retransmit_percent',
          header: 'RESENT',
          description:
            'Retransmit ratio: segments sent again, but for SYNs and SYN-ACKs, of all that were sent.',
        },
        ({ sums }) => sums.resent,
        ({ sums }) => sums.sent,
      ),
      dropFirst: 1,
    }),
    ...KINDS.map((kind) =>
      hidden(
        count(`retransmits_${kind}`, kind.toUpperCase(), `Segments sent again as ${kind}.`, ({ sums }) =>
          sums.resentAs(kind),
        ),
      ),
    ),
    hidden(
      count(
        'retransmits_spurious',
        'SPURIOUS',
        'Of those sent again, segments that the other end had got the first time (DSACK).',
        ({ sums }) => sums.spurious,
      ),
    ),
    judged('stall', plain, {
      key: 'stall_us',
      header: 'STALL',
      description: 'How long flows stood still, summed up: each moment counts once a flow.',
      align: 'right',
      width: 6,
      dropFirst: 3,
      text: ({ sums }) => (sums.stallNs === 0 ? '-' : formatElapsed(sums.stallNs)),
      value: ({ sums }) => Math.round(sums.stallNs / 1000),
    }),
  ];
}

function lastColumns({ plain, intervalSeconds }: HealthColumnsOptions): HealthColumn[] {
  return [
    judged('accept-overflows', plain, {
      key: 'accept_overflows',
      header: 'OVERFLOW',
      description:
        'Connections that came while the accept queue of their listener was full (ListenOverflows); null for regions, since ' +
        'listeners belong to none.',
      align: 'right',
      width: 8,
      dropFirst: 4,
      text: (row) => (hasListeners(row) ? formatCount(row.sums.acceptOverflows) : '-'),
      value: (row) => (hasListeners(row) ? row.sums.acceptOverflows : null),
    }),
    {
      key: 'failures',
      header: 'FAILURES',
      description: 'How attempts failed.',
      align: 'right',
      width: 8,
      dropFirst: 10,
      text: ({ sums }) => countsText(sums.failures()) || '-',
      parts: FAILURES.map(keyOf),
    },
    {
      key: 'kinds',
      header: 'SENT AGAIN AS',
      description: 'Why segments were sent again.',
      align: 'right',
      width: 13,
      dropFirst: 11,
      text: ({ sums }) => countsText(sums.kinds()) || '-',
      parts: KINDS.map((kind) => `retransmits_${kind}`),
    },
    {
      ...lastColumn<HealthRow>(
        'p95 latency of each of the last intervals (up to 60), newest right, blank where no attempt succeeded.',
        [...SIDES.map((side) => `${side}_p95_us`)],
        intervalSeconds,
        (row, length) => row.recent(length),
      ),
      dropFirst: 9,
    },
  ];
}

/** Columns of a table of `health`, and the members of its objects. */
export function healthColumns(options: HealthColumnsOptions): HealthColumn[] {
  const { plain } = options;
  return [
    ...nameColumns(options),
    ...attemptColumns(plain),
    ...latencyColumns('internal', plain),
    ...latencyColumns('external', plain),
    ...segmentColumns(plain),
    ...lastColumns(options),
  ];
}
