/** The results as tables for people, in a form that Markdown takes as it is. */
import type { Cost, PacedCost } from './cost.js';
import type { Spread } from './measure.js';
import type { Memory } from './memory.js';
import type { Pass } from './owners.js';
import type { PlaceCost } from './places.js';
import type { RetransCost } from './retrans.js';
import type { Start } from './start.js';

export interface Results {
  machine: Record<string, string>;
  cost?: Cost[];
  paced?: PacedCost[];
  start?: Start[];
  memory?: Memory[];
  retrans?: RetransCost[];
  owners?: Pass[];
  places?: PlaceCost[];
  skipped: string[];
}

/** A column: its header, what it shows, and with how many decimals. */
type Column<Row> = [header: string, value: (row: Row) => string];

const number = (value: number, decimals: number): string =>
  value.toLocaleString('en', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });

/** `median (min to max)` */
const range = (spread: Spread | null, decimals: number): string =>
  spread
    ? `${number(spread.median, decimals)} (${number(spread.min, decimals)} to ${number(spread.max, decimals)})`
    : '';

const single = (spread: Spread | null, decimals: number): string =>
  spread ? number(spread.median, decimals) : '';

const COST: Column<Cost>[] = [
  ['tool', ({ name }) => name],
  ['kernel ns a handshake', ({ kernelNs }) => range(kernelNs, 0)],
  ['program runs', ({ programRuns }) => single(programRuns, 2)],
  ['handshakes/s', ({ perSecond }) => range(perSecond, 0)],
  ['handshake µs', ({ handshakeUs }) => single(handshakeUs, 1)],
  ['slow-down %', ({ slowDownPercent }) => range(slowDownPercent, 1)],
  ['user µs a row', ({ userUs }) => range(userUs, 2)],
  ['CPU µs a row', ({ cpuUs }) => range(cpuUs, 2)],
  ['', ({ complaints }) => complaints.join('; ')],
];

const PACED: Column<PacedCost>[] = [
  ['tool', ({ name }) => name],
  ['handshakes/s', ({ perSecond }) => single(perSecond, 0)],
  ['user µs a row', ({ userUs }) => range(userUs, 1)],
  ['CPU µs a row', ({ cpuUs }) => range(cpuUs, 1)],
];

const START: Column<Start>[] = [
  ['start', ({ name }) => name],
  ['active after ms', ({ active }) => range(active, 0)],
  ['first row after ms', ({ firstRow }) => range(firstRow, 0)],
];

const MEMORY: Column<Memory>[] = [
  ['memory', ({ name }) => name],
  ['idle MB', ({ idle }) => range(idle, 1)],
  ['after it MB', ({ after }) => range(after, 1)],
  ['peak MB', ({ peak }) => range(peak, 1)],
];

const RETRANS: Column<RetransCost>[] = [
  ['tool', ({ name }) => name],
  ['per s', ({ perSecond }) => number(perSecond, 0)],
  ['its program ns', ({ mainNs }) => range(mainNs, 0)],
  ['all programs ns', ({ kernelNs }) => range(kernelNs, 0)],
  ['program runs', ({ programRuns }) => single(programRuns, 2)],
  ['user µs', ({ userUs }) => range(userUs, 2)],
  ['CPU µs', ({ cpuUs }) => range(cpuUs, 2)],
  ['MB after it', ({ megabytes }) => range(megabytes, 1)],
  ['', ({ complaints }) => complaints.join('; ')],
];

const OWNERS: Column<Pass>[] = [
  ['open sockets', ({ sockets }) => number(sockets, 0)],
  ['owner of one ms', ({ searchOne }) => range(searchOne, 1)],
  ['owners of many ms', ({ searchMany }) => range(searchMany, 1)],
  ['so many', ({ asked }) => number(asked, 0)],
  ['sample, kernel ms', ({ sampleKernel }) => range(sampleKernel, 1)],
  ['sample, all ms', ({ sample }) => range(sample, 1)],
];

const PLACES: Column<PlaceCost>[] = [
  ['networks', ({ networks }) => number(networks, 0)],
  ['to read ms', ({ readMs }) => range(readMs, 0)],
  ['MB', ({ megabytes }) => number(megabytes, 1)],
  ['known address ns', ({ knownNs }) => range(knownNs, 0)],
  ['new IPv4 ns', ({ newIpv4Ns }) => range(newIpv4Ns, 0)],
  ['new IPv6 ns', ({ newIpv6Ns }) => range(newIpv6Ns, 0)],
];

export function report(results: Results): string {
  const { machine, cost, paced, start, memory, retrans, owners, places, skipped } = results;
  const sections = [
    Object.entries(machine)
      .map(([key, value]) => `${key}: ${value}`)
      .join('\n'),
    cost && `Full speed; median (min to max)\n\n${table(COST, cost)}`,
    paced && `Moderate rate\n\n${table(PACED, paced)}`,
    start && `Start\n\n${table(START, start)}`,
    memory && `Memory\n\n${table(MEMORY, memory)}`,
    retrans && `A retransmission\n\n${table(RETRANS, retrans)}`,
    owners && `A look at all open sockets\n\n${table(OWNERS, owners)}`,
    places && `The place of an address\n\n${table(PLACES, places)}`,
    skipped.length > 0 && `Left out: ${skipped.join('; ')}`,
  ];
  return `${sections.filter(Boolean).join('\n\n')}\n`;
}

function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const shown = columns.filter(([header, value]) => header !== '' || rows.some((row) => value(row) !== ''));
  const cells = [shown.map(([header]) => header), ...rows.map((row) => shown.map(([, value]) => value(row)))];
  const widths = shown.map((_, column) => Math.max(...cells.map((line) => line[column]!.length)));
  const lines = cells.map((line) => `| ${line.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`);
  return [lines[0]!, `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...lines.slice(1)].join(
    '\n',
  );
}
