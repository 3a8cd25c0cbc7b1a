/** Results: figures of repeated runs, as rows of tables that Markdown takes as they are, and JSON has whole. */
import { spread, type Spread } from './measure.js';

/** What one run gave. */
export interface Sample {
  figures: Record<string, number>;
  /** What is wrong with the run; '' or none: nothing. */
  complaint?: string;
}

export interface Row {
  name: string;
  figures: Record<string, Spread>;
  complaints: string[];
}

export interface Column {
  header: string;
  figure: string;
  decimals: number;
  /** Without the least and the greatest. */
  medianOnly?: boolean;
}

export interface Table {
  title: string;
  columns: readonly Column[];
  rows: readonly Row[];
}

/** A subject's samples, and the spread of each figure in them. */
export function rowOf(name: string, samples: readonly Sample[]): Row {
  const keys = new Set(samples.flatMap(({ figures }) => Object.keys(figures)));
  const spreadOf = (key: string): Spread =>
    spread(samples.map(({ figures }) => figures[key]).filter((value) => value !== undefined))!;
  const complaints = samples.map(({ complaint = '' }) => complaint).filter((complaint) => complaint !== '');
  return {
    name,
    figures: Object.fromEntries([...keys].map((key) => [key, spreadOf(key)])),
    complaints: [...new Set(complaints)],
  };
}

const number = (value: number, decimals: number): string =>
  value.toLocaleString('en', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });

function cell(spread: Spread | undefined, { decimals, medianOnly }: Column): string {
  if (!spread) return '';
  const { median, min, max, runs } = spread;
  if (medianOnly || runs === 1) return number(median, decimals);
  return `${number(median, decimals)} (${number(min, decimals)} to ${number(max, decimals)})`;
}

export function markdown({ title, columns, rows }: Table): string {
  const shown = columns.filter(({ figure }) => rows.some(({ figures }) => figures[figure]));
  const complained = rows.some(({ complaints }) => complaints.length > 0);
  const cells = [
    ['', ...shown.map(({ header }) => header), ...(complained ? [''] : [])],
    ...rows.map(({ name, figures, complaints }) => [
      name,
      ...shown.map((column) => cell(figures[column.figure], column)),
      ...(complained ? [complaints.join('; ')] : []),
    ]),
  ];
  const widths = cells[0]!.map((_, column) => Math.max(3, ...cells.map((line) => line[column]!.length)));
  const lines = cells.map((line) => `| ${line.map((text, i) => text.padEnd(widths[i]!)).join(' | ')} |`);
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [`### ${title}`, '', lines[0]!, rule, ...lines.slice(1)].join('\n');
}
