/** The figures of a soak as a table for people, in a form that Markdown takes as it is. */
import type { Traffic } from './churn.js';
import type { Counts } from './modes.js';
import { afterWarmUp, median, floor, pointsOf, slope, type Sample, type Summary } from './rules.js';
import type { Hidden } from './witness.js';

/** What became of one tool. */
export interface ToolResult {
  tool: string;
  summary: Summary;
  rows: number | undefined;
  ours: Counts | undefined;
  samples: Sample[];
}

export interface SoakResult {
  machine: Record<string, string>;
  minutes: number;
  traffic: Traffic;
  hidden: Hidden;
  tools: ToolResult[];
  unmet: string[];
}

type Column = [header: string, value: (result: ToolResult) => string];

const COLUMNS: Column[] = [
  ['tool', ({ tool }) => tool],
  ['seen', ({ summary }) => count(summary.count)],
  ['rows', ({ rows }) => (rows === undefined ? '' : count(rows))],
  ['not shown', ({ rows, summary }) => (rows === undefined ? '' : count(summary.unshown))],
  ['RSS MB', ({ samples }) => range(samples, 'rssMb', 1)],
  ['MB/min', ({ samples }) => slope(pointsOf(afterWarmUp(samples), 'rssMb')).toFixed(3)],
  ['live heap MB', ({ samples }) => range(samples, 'heapMb', 2)],
  ['MB/min', ({ samples }) => perMinute(samples)],
  ['maps MB', ({ samples }) => range(samples, 'mapsMb', 2)],
  ['descriptors', ({ samples }) => range(samples, 'descriptors', 0)],
  ['threads', ({ samples }) => range(samples, 'threads', 0)],
  [
    'CPU %',
    ({ samples }) =>
      cpuPercent(samples)
        .map((percent) => percent.toFixed(1))
        .join(' → '),
  ],
  ['lost', ({ summary }) => count(summary.lost)],
  ['missed', ({ summary }) => count(summary.missed)],
];

export function report({ machine, minutes, traffic, hidden, tools, unmet }: SoakResult): string {
  const { kernel } = traffic;
  const sections = [
    Object.entries(machine)
      .map(([key, value]) => `${key}: ${value}`)
      .join('\n'),
    `${minutes.toFixed(1)} minutes, ${count(traffic.processes)} processes, ${count(traffic.namespaces)} network namespaces
traffic: ${count(traffic.attempts)} attempts: ${count(traffic.ok)} ok, ${count(traffic.refused)} refused, ${count(traffic.abandoned)} abandoned
kernel: ActiveOpens ${count(kernel.activeOpens)}, AttemptFails ${count(kernel.attemptFails)}, TCPSynRetrans ${count(kernel.synRetrans)}, RetransSegs ${count(kernel.retransSegs)}
hidden from BPF programs by this kernel: ends of attempts ${count(hidden.ends)}, retransmissions ${count(hidden.retransmissions)}`,
    `After the warm-up, first → last third (medians)\n\n${table(tools)}`,
    tools
      .filter(({ summary }) => summary.audit !== undefined)
      .map(({ tool, summary }) => `${tool}: ${summary.audit}`)
      .join('\n'),
    unmet.length === 0 ? 'All conditions are met.' : unmet.map((line) => `NOT MET: ${line}`).join('\n'),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function table(tools: readonly ToolResult[]): string {
  const columns = COLUMNS.filter(([, value]) => tools.some((tool) => value(tool) !== ''));
  const cells = [
    columns.map(([header]) => header),
    ...tools.map((tool) => columns.map(([, value]) => value(tool))),
  ];
  const widths = columns.map((_, column) => Math.max(...cells.map((line) => line[column]!.length)));
  const lines = cells.map((line) => `| ${line.map((cell, at) => cell.padEnd(widths[at]!)).join(' | ')} |`);
  const ruler = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [lines[0]!, ruler, ...lines.slice(1)].join('\n');
}

function perMinute(samples: readonly Sample[]): string {
  const points = floor(pointsOf(afterWarmUp(samples), 'heapMb'));
  return points.length === 0 ? '' : slope(points).toFixed(3);
}

/** `61.2 → 61.4`; '' where there is no reading. */
function range(samples: readonly Sample[], what: keyof Sample, decimals: number): string {
  const values = pointsOf(afterWarmUp(samples), what).map(({ value }) => value);
  if (values.length === 0) return '';
  const third = Math.ceil(values.length / 3);
  const ends = [values.slice(0, third), values.slice(-third)].map((part) => median(part).toFixed(decimals));
  return ends.join(' → ');
}

/** Of one CPU, in the first and the last third. */
function cpuPercent(samples: readonly Sample[]): number[] {
  const judged = afterWarmUp(samples);
  const third = Math.ceil(judged.length / 3);
  return [judged.slice(0, third + 1), judged.slice(-third - 1)].map((part) => {
    const [first, last] = [part[0]!, part.at(-1)!];
    return ((last.cpuSeconds - first.cpuSeconds) / ((last.minutes - first.minutes) * 60)) * 100;
  });
}

function count(value: number): string {
  return value.toLocaleString('en');
}
