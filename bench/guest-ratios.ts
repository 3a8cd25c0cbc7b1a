/** Several tracers of the same events, measured beside one of ours: figures, and how many times ours they are. */
import { samplesOf, type Bench } from './part.js';
import { rowOf, type Column, type Sample, type Table } from './table.js';
import type { Tracer } from './tracing.js';

export interface Comparison {
  title: string;
  columns: readonly Column[];
  /** The one of ours that does what the peers do. */
  ours: Tracer;
  others: readonly Tracer[];
  measure(bench: Bench, tracer: Tracer): Promise<Sample>;
}

const timesOurs = (figure: string): string => `${figure} / ours`;

/** A figure of a column, and beside it how many times ours it is. */
export const besideOurs = (column: Column): Column[] => [
  column,
  { header: 'times ours', figure: timesOurs(column.figure), decimals: 2, medianOnly: true },
];

/** Who fails once is left out, and not tried again: bcc takes a minute to fail. */
export async function compare(bench: Bench, comparison: Comparison): Promise<Table> {
  const { title, columns, ours, others } = comparison;
  const failed = new Set<Tracer>();
  const measure = async (tracer: Tracer): Promise<Sample> => {
    if (failed.has(tracer)) return { figures: {} };
    try {
      return await comparison.measure(bench, tracer);
    } catch (error) {
      failed.add(tracer);
      bench.leaveOut((error as Error).message);
      return { figures: {} };
    }
  };
  const samples = await samplesOf(bench, [ours, ...others], measure);
  const reference = samples.get(ours)!;
  const rows = [...samples]
    .filter(([tracer]) => !failed.has(tracer))
    .map(([{ name }, own]) =>
      rowOf(
        name,
        own.map((sample, round) => withRatios(sample, reference[round]!)),
      ),
    );
  return { title, columns, rows };
}

/** Of the same round, so that what else the machine did then troubled both. */
function withRatios({ figures, ...rest }: Sample, ours: Sample): Sample {
  const ratios = Object.entries(figures)
    .filter(([figure]) => ours.figures[figure])
    .map(([figure, value]) => [timesOurs(figure), value / ours.figures[figure]!] as const);
  return { ...rest, figures: { ...figures, ...Object.fromEntries(ratios) } };
}
