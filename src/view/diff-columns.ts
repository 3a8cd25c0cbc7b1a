/** Columns of `tcpscope diff`: what was and what is, side by side for a person, each on its own for a machine. */
import { verdictOf, type DiffRow, type DiffTest, type Side } from '../aggregate/diff.js';
import type { GroupKey } from '../aggregate/grouping.js';
import type { Column, Plain, TextContext } from '../model/column.js';
import type { Interval } from '../model/statistics/intervals.js';
import { formatCount, formatPercent, formatRate } from '../model/units.js';
import { keyColumns } from './key-columns.js';
import { durationText } from './quantiles.js';

/** One thing that is known of each side. */
export interface DiffMeasure<Stats> {
  /** Of the columns `before_KEY` and `after_KEY`, with the unit in it. */
  key: string;
  /** Of the column of both. */
  pairKey: string;
  header: string;
  /** What it is, in the middle of a sentence: `median latency of ok attempts`. */
  name: string;
  /** Undefined where it is not known. `durationNs` is that of the recording. */
  of(stats: Stats, durationNs: number): number | undefined;
  text(value: number): string;
  /** What a machine reads; default: the number itself. */
  plain?(value: number): number;
  dropFirst: number;
  /** True: only where `--columns` asks for it, and in JSON and CSV. */
  hidden?: boolean;
}

/** How long the recordings are, in ns. */
export type Durations = Readonly<Record<Side, number>>;

/** What the columns of one kind of recording are made of. */
export interface DiffColumnsOptions<Item, Stats, Name extends string> {
  keys: readonly GroupKey<Item>[];
  durationsNs: Durations;
  measures: readonly DiffMeasure<Stats>[];
  /** Each test's name, in the middle of a sentence, and the measure that shows what it found. */
  tests: Readonly<Record<Name, { name: string; measure(test: DiffTest<Name>): string }>>;
  /** What CHANGE shows where nothing was found: the first of these that is known of a side. */
  usual: readonly string[];
}

const SIDES: readonly Side[] = ['before', 'after'];
const PRECISION = 1e6;
const WIDEST_NUMBER = 8;

/** A quotient without digits that mean nothing, small ones too. */
function rounded(value: number): number {
  return Math.round(value * PRECISION) / PRECISION;
}

/** `<0.001`, `0.004`, `0.27`; never rounded to 0. */
export function formatP(p: number): string {
  if (p < 0.001) return '<0.001';
  return p < 0.0995 ? p.toFixed(3) : p.toFixed(2);
}

function sideValue<Stats>(
  measure: DiffMeasure<Stats>,
  row: DiffRow<Stats, string>,
  side: Side,
  durationsNs: Durations,
): number | undefined {
  return measure.of(row.stats[side], durationsNs[side]);
}

/** `402 µs → 1.20 ms`; `-` for a side that does not have it. */
function pairText<Stats>(
  measure: DiffMeasure<Stats>,
  row: DiffRow<Stats, string>,
  durationsNs: Durations,
): string {
  const texts = SIDES.map((side) => {
    const value = sideValue(measure, row, side, durationsNs);
    return value === undefined ? '-' : measure.text(value);
  });
  return texts.every((text) => text === '-') ? '-' : texts.join(' → ');
}

function pairColumn<Stats, Name extends string>(
  measure: DiffMeasure<Stats>,
  durationsNs: Durations,
): Column<DiffRow<Stats, Name>> {
  return {
    key: measure.pairKey,
    header: measure.header,
    description: `${capital(measure.name)}: before → after.`,
    align: 'right',
    width: 2 * WIDEST_NUMBER + 3,
    minWidth: measure.header.length,
    dropFirst: measure.dropFirst,
    ...(measure.hidden === true && { hidden: true }),
    text: (row) => pairText(measure, row, durationsNs),
    parts: SIDES.map((side) => `${side}_${measure.key}`),
  };
}

function sideColumns<Stats, Name extends string>(
  measure: DiffMeasure<Stats>,
  durationsNs: Durations,
): Column<DiffRow<Stats, Name>>[] {
  return SIDES.map((side) => ({
    key: `${side}_${measure.key}`,
    header: `${measure.header} ${side.toUpperCase()}`,
    description: `${capital(measure.name)}, ${side}.`,
    align: 'right',
    width: WIDEST_NUMBER,
    hidden: true,
    text: (row) => {
      const value = sideValue(measure, row, side, durationsNs);
      return value === undefined ? '-' : measure.text(value);
    },
    value: (row) => {
      const value = sideValue(measure, row, side, durationsNs);
      return value === undefined ? null : (measure.plain?.(value) ?? value);
    },
  }));
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function verdictColumn<Stats, Name extends string>(): Column<DiffRow<Stats, Name>> {
  return {
    key: 'verdict',
    header: 'VERDICT',
    description:
      'What is no chance, biggest change first; or new, gone (only in one recording), unclear (it would be a change if events were ' +
      'independent, but they came in bursts), same (no change that chance does not explain, or less than 5 % of a duration), too few.',
    align: 'left',
    width: 14,
    text: verdictOf,
    value: verdictOf,
    tone: ({ class: found, changes }) => {
      if (found === 'unclear') return 'warn';
      if (found !== 'changed') return undefined;
      return changes.some(({ worse }) => worse) ? 'bad' : undefined;
    },
  };
}

/** The measure of the biggest change, or the usual one. Of groups on one side only the number tells what there is. */
function changeColumn<Item, Stats, Name extends string>({
  measures,
  tests,
  usual,
  durationsNs,
}: DiffColumnsOptions<Item, Stats, Name>): Column<DiffRow<Stats, Name>> {
  const shownKeys = (row: DiffRow<Stats, Name>): readonly string[] => {
    const [biggest] = row.changes;
    if (biggest) return [tests[biggest.name].measure(biggest)];
    return row.class === 'same' ? usual : ['count'];
  };
  const isKnown = (measure: DiffMeasure<Stats>, row: DiffRow<Stats, Name>): boolean =>
    SIDES.some((side) => sideValue(measure, row, side, durationsNs) !== undefined);
  return {
    key: 'change',
    header: 'CHANGE',
    description: 'The biggest change: which measure, before → after.',
    align: 'left',
    width: 22,
    text: (row) => {
      const shown = shownKeys(row).flatMap((key) => measures.filter(({ pairKey }) => pairKey === key));
      const measure = shown.find((candidate) => isKnown(candidate, row));
      return measure ? `${measure.header} ${pairText(measure, row, durationsNs)}` : '';
    },
    parts: ['class', 'changed', 'score'],
  };
}

function mainP<Stats, Name extends string>({ changes, tests }: DiffRow<Stats, Name>): number | undefined {
  if (changes[0]) return changes[0].p;
  return tests.length === 0 ? undefined : Math.min(...tests.map(({ p }) => p));
}

function pColumn<Stats, Name extends string>(): Column<DiffRow<Stats, Name>> {
  return {
    key: 'p',
    header: 'P',
    description:
      'How often chance alone makes such a difference: p of the biggest change, or the smallest where nothing changed, adjusted for ' +
      'all comparisons (Benjamini-Hochberg).',
    align: 'right',
    width: 6,
    dropFirst: 0,
    text: (row) => {
      const p = mainP(row);
      return p === undefined ? '-' : formatP(p);
    },
    value: (row) => mainP(row) ?? null,
  };
}

function plainColumn<Row>(
  key: string,
  description: string,
  value: (row: Row, context: TextContext) => Plain,
): Column<Row> {
  return {
    key,
    header: key.toUpperCase().replaceAll('_', ' '),
    description,
    align: 'right',
    width: WIDEST_NUMBER,
    hidden: true,
    text: (row, context) => {
      const plain = value(row, context);
      return plain === null ? '-' : String(plain);
    },
    value,
  };
}

/** What a test found, for a machine. */
function testColumns<Stats, Name extends string>(name: Name, what: string): Column<DiffRow<Stats, Name>>[] {
  const test = (row: DiffRow<Stats, Name>): DiffTest<Name> | undefined =>
    row.tests.find((found) => found.name === name);
  const optional = (value: number | undefined): Plain => (value === undefined ? null : rounded(value));
  return [
    plainColumn(`p_${name}`, `Adjusted p of the difference in ${what}.`, (row) => test(row)?.p ?? null),
    plainColumn(
      `p_${name}_independent`,
      `The same if events were independent of each other.`,
      (row) => test(row)?.independentP ?? null,
    ),
    plainColumn(
      `effect_${name}`,
      `How often a value after is greater than one before (0.5: no difference), in ${what}; of tests by ranks.`,
      (row) => optional(test(row)?.effect),
    ),
    plainColumn(
      `design_effect_${name}`,
      `How many times greater bursts make the variance of ${what}; 1: not at all.`,
      (row) => optional(test(row)?.designEffect),
    ),
  ];
}

/** The two ends of a 95 % interval of how much something grew. */
export function intervalColumns<Row>(
  key: (end: string) => string,
  what: string,
  of: (row: Row) => Interval | undefined,
): Column<Row>[] {
  const ends = [
    ['low', 'Lower'],
    ['high', 'Upper'],
  ] as const;
  return ends.map(([end, title]) =>
    plainColumn(key(end), `${title} end of the 95 % interval of how much ${what} grew.`, (row) => {
      const interval = of(row);
      return interval === undefined ? null : rounded(interval[end]);
    }),
  );
}

/** All columns, keys first. */
export function diffColumns<Item, Stats, Name extends string>(
  options: DiffColumnsOptions<Item, Stats, Name>,
): Column<DiffRow<Stats, Name>>[] {
  const { keys, measures, durationsNs, tests } = options;
  type Row = DiffRow<Stats, Name>;
  return [
    ...keyColumns<Item, Row['stats']>(keys),
    verdictColumn<Stats, Name>(),
    changeColumn(options),
    pColumn<Stats, Name>(),
    ...measures.map((measure) => pairColumn<Stats, Name>(measure, durationsNs)),
    plainColumn<Row>('class', 'changed, new, gone, unclear, same or too few.', (row) => row.class),
    plainColumn<Row>(
      'changed',
      'Name of the measure that changed most.',
      ({ changes }) => changes[0]?.name ?? null,
    ),
    plainColumn<Row>(
      'score',
      'Size of the biggest change, by which rows are sorted: 1 is a doubling, or ten points of a share.',
      ({ score }) => rounded(score),
    ),
    ...measures.flatMap((measure) => sideColumns<Stats, Name>(measure, durationsNs)),
    ...(Object.keys(tests) as Name[]).flatMap((name) => testColumns<Stats, Name>(name, tests[name].name)),
  ];
}

/** Measures that are made the same way in every kind of recording. */
export const measureOf = {
  count: { text: formatCount },
  rate: { text: formatRate, plain: rounded },
  percent: { text: formatPercent, plain: rounded },
  duration: { text: durationText, plain: (ns: number) => ns / 1000 },
} as const;
