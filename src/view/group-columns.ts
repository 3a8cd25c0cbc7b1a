/** Columns that tables of groups have in common, whatever the groups are of. */
import type { Column } from '../model/column.js';
import { formatCount, formatElapsed, formatPercent, formatRate } from '../model/units.js';
import { sparkline } from './scale.js';

const MOST_INTERVALS = 60;

/** A quotient without digits that mean nothing. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

export function countColumn<Row>(
  key: string,
  header: string,
  description: string,
  of: (row: Row) => number,
): Column<Row> {
  const width = Math.max(5, header.length);
  return {
    key,
    header,
    description,
    align: 'right',
    width,
    text: (row) => formatCount(of(row)),
    value: of,
  };
}

export function rateColumn<Row>(description: string, of: (row: Row) => number): Column<Row> {
  return {
    key: 'rate_per_s',
    header: 'RATE/s',
    description,
    align: 'right',
    width: 6,
    text: (row) => formatRate(of(row)),
    value: (row) => rounded(of(row)),
  };
}

export function percentColumn<Row>(
  key: string,
  header: string,
  description: string,
  of: (row: Row) => number | undefined,
): Column<Row> {
  return {
    key,
    header,
    description,
    align: 'right',
    width: header.length,
    text: (row) => {
      const percent = of(row);
      return percent === undefined ? '-' : formatPercent(percent);
    },
    value: (row) => {
      const percent = of(row);
      return percent === undefined ? null : rounded(percent);
    },
  };
}

/** A bar for each of the last intervals; the header says how far back they reach. */
export function lastColumn<Row>(
  description: string,
  parts: readonly string[],
  intervalSeconds: () => number,
  series: (row: Row, length: number) => readonly (number | undefined)[],
): Column<Row> {
  return {
    key: 'last',
    header: 'LAST',
    description,
    align: 'left',
    width: MOST_INTERVALS,
    minWidth: 10,
    stretchTo: MOST_INTERVALS,
    headerAt: (width) => {
      const shown = Math.min(width, MOST_INTERVALS) * intervalSeconds();
      // Intervals are a little longer or shorter than they should be.
      const seconds = shown < 10 ? Math.round(shown * 10) / 10 : Math.round(shown);
      const header = shown >= 99.5 ? formatElapsed(shown * 1e9) : `${seconds} s`;
      return shown > 0 ? `LAST ${header}` : 'LAST';
    },
    text: (row, _context, width) => sparkline(series(row, Math.min(width, MOST_INTERVALS))),
    parts,
  };
}
