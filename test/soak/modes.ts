/** The commands that run at the same time, and what can be known of the soak's own traffic from what each prints. */
import type { Summary } from './rules.js';

/** By result of an attempt, or by kind of retransmission. */
export type Counts = Record<string, number>;

/** Reads what a tool prints, line by line. */
export interface Reader {
  line(text: string): void;
  /** What the rows told of, anybody's; undefined where there are no rows. */
  readonly rows?: number;
  /** Of the soak's own traffic; undefined where it cannot be told from others'. */
  ours(summary: Summary): Counts | undefined;
}

export interface Mode {
  command: 'connlat' | 'retrans';
  flags: readonly string[];
  /** @param comm the name of the processes that make the traffic */
  reader: (comm: string) => Reader;
}

/**
 * @param comm the name of the processes that make the traffic
 * @param own leave out the traffic of others
 */
export function modes(comm: string, own: boolean): Mode[] {
  const all: Mode[] = [
    { command: 'connlat', flags: ['--json'], reader: attemptRows },
    { command: 'connlat', flags: ['--by', 'remote', '--top', '20'], reader: nothing },
    { command: 'connlat', flags: ['--by', 'comm', '--json', '--interval', '10s'], reader: lastTable },
    { command: 'connlat', flags: ['--hist', '--interval', '10s', '--comm', comm], reader: onlySummary },
    { command: 'retrans', flags: ['--json'], reader: segmentRows },
    { command: 'retrans', flags: ['--by', 'remote', '--top', '20'], reader: nothing },
  ];
  return own ? all.map((mode) => withoutOthers(mode, comm)) : all;
}

/** All that is seen is the soak's own then, so that every summary can be compared. */
function withoutOthers({ command, flags, reader }: Mode, comm: string): Mode {
  return {
    command,
    flags: flags.includes(comm) ? flags : [...flags, '--comm', comm],
    reader: reader === nothing ? onlySummary : reader,
  };
}

function attemptRows(comm: string): Reader {
  const counts: Counts = {};
  let rows = 0;
  return {
    line(text) {
      const row = JSON.parse(text) as { comm: string | null; result: string };
      if (row.result === 'pending') return;
      rows++;
      if (row.comm === comm) counts[row.result] = (counts[row.result] ?? 0) + 1;
    },
    get rows() {
      return rows;
    },
    ours: () => counts,
  };
}

/** The owner may be unknown, and the address is the soak's only within its namespaces: the name of these is. */
function segmentRows(): Reader {
  const ours = new RegExp(`^tcpscope-${process.pid}-`);
  const counts: Counts = {};
  let rows = 0;
  return {
    line(text) {
      const row = JSON.parse(text) as {
        netns_name: string | null;
        kind: string;
        segs: number;
        error: string | null;
      };
      if (row.error !== null) return; // it could not leave
      rows += row.segs;
      if (ours.test(row.netns_name ?? '')) counts[row.kind] = (counts[row.kind] ?? 0) + row.segs;
    },
    get rows() {
      return rows;
    },
    ours: () => counts,
  };
}

function lastTable(comm: string): Reader {
  let last = '{}';
  const ofOurs = `"comm":"${comm}"`;
  return {
    line(text) {
      if (text.includes(ofOurs)) last = text;
    },
    ours() {
      const group = JSON.parse(last) as Record<string, number>;
      const results = ['ok', 'refused', 'timeout', 'unreachable', 'reset', 'abandoned', 'no_port'];
      return Object.fromEntries(results.map((result) => [result, group[result] ?? 0]));
    },
  };
}

function onlySummary(): Reader {
  return { line: () => undefined, ours: ({ results }) => results };
}

function nothing(): Reader {
  return { line: () => undefined, ours: () => undefined };
}
