import type { Column, TextContext } from '../model/column.js';
import { errnoName } from '../model/errno.js';
import type { Flow } from '../model/flow.js';
import { isFailure, latencyUs, lostSyn, type Handshake } from '../model/handshake.js';
import { formatDuration, formatElapsed } from '../model/units.js';
import {
  endpointColumns,
  ownerColumns,
  placeColumns,
  workloadColumns,
  type EndpointNames,
} from './flow-columns.js';
import { timeColumn } from './time.js';

function resultTone({ outcome }: Handshake): 'bad' | 'warn' | undefined {
  if (outcome === 'pending') return 'warn';
  return outcome === 'ok' ? undefined : 'bad';
}

function latencyText({ outcome, startNs, endNs }: Handshake): string {
  const ns = endNs - startNs;
  return outcome === 'pending' ? `${formatElapsed(ns)} +` : formatDuration(ns);
}

/** The kernel's sample has whole microseconds, or milliseconds where TCP timestamps gave it: no digit behind them. */
function wireText(wireUs: number): string {
  if (wireUs === 0) return '-';
  if (wireUs % 1000 === 0 && wireUs < 1e6) return `${wireUs / 1000} ms`;
  return wireUs < 1000 ? `${wireUs} µs` : formatDuration(wireUs * 1000);
}

/** Many handshakes have the port of the same service. */
function ofServer(column: Column<Flow>): Column<Flow> {
  return column.key === 'remote_port' ? { ...column, decidedBy: ({ remotePort }) => remotePort } : column;
}

/** Columns of `connlat`. TIME depends on `--time`. */
export function handshakeColumns(
  format: TextContext['timeFormat'],
  names?: EndpointNames,
): Column<Handshake>[] {
  return [
    timeColumn(
      format,
      'When the outcome was known; of a pending attempt, when it was looked at.',
      ({ endNs }) => endNs,
    ),
    ...ownerColumns(),
    ...endpointColumns(names).map(ofServer),
    ...placeColumns(),
    {
      key: 'result',
      header: 'RESULT',
      description: 'ok, refused, timeout, unreachable, reset, abandoned, no-port or pending.',
      align: 'left',
      width: 11,
      minWidth: 7,
      text: ({ outcome }) => outcome,
      value: ({ outcome }) => outcome,
      decidedBy: ({ outcome }) => outcome,
      tone: resultTone,
    },
    {
      key: 'error',
      header: 'ERROR',
      description: 'Name of the errno that the program gets: ECONNREFUSED.',
      align: 'left',
      width: 13,
      hidden: true,
      text: ({ errno }) => errnoName(errno) ?? '-',
      value: ({ errno }) => errnoName(errno) ?? null,
      decidedBy: ({ errno }) => errno,
      tone: (attempt) => (isFailure(attempt) ? 'bad' : undefined),
    },
    ...measureColumns(),
    ...workloadColumns(),
  ];
}

function measureColumns(): Column<Handshake>[] {
  return [
    {
      key: 'latency_us',
      header: 'LATENCY',
      description: 'From the first SYN to the outcome; + if the attempt still hangs.',
      align: 'right',
      width: 8,
      text: latencyText,
      value: latencyUs,
    },
    {
      key: 'wire_us',
      header: 'WIRE',
      description: 'Round trip of the SYN that was answered, as the kernel measured it; - if none was.',
      align: 'right',
      width: 8,
      minWidth: 7,
      dropFirst: 1,
      text: ({ wireUs }) => wireText(wireUs),
      value: ({ wireUs }) => (wireUs === 0 ? null : wireUs),
    },
    {
      key: 'syns',
      header: 'SYNS',
      description: 'SYNs sent. More than one: a SYN or its answer was lost or late.',
      align: 'right',
      width: 4,
      text: ({ syns }) => String(syns),
      value: ({ syns }) => syns,
      decidedBy: ({ syns }) => syns,
      tone: (attempt) => (lostSyn(attempt) ? 'warn' : undefined),
    },
  ];
}
