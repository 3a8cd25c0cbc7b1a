/** Handshakes that the kernel sums up by group: bpf/include/sums.h. */
import ipaddr from 'ipaddr.js';
import type { BpfMap } from '#bpf-native-bindings';
import {
  decodeSum,
  decodeSumKey,
  OUTCOMES,
  SUM_KEY_SIZE,
  SUM_SIZE,
  decodeTally,
  TALLY_SIZE,
  type Grouping,
  type Sum,
  type SumKey,
  type Tally,
} from '../events/shared.js';
import type { FlowParts } from '../model/flow-parts.js';
import type { HandshakeSum } from '../model/handshake.js';
import { HISTOGRAM_BUCKETS } from '../model/histogram.js';
import type { Program } from './program.js';

/** Maps that are not needed where every event is sent. */
export const SUM_MAPS = ['cells_even', 'cells_odd', 'active_cells', 'other_cells', 'tallies'] as const;

/** How the kernel is told what makes groups. */
export function groupingBy(parts: FlowParts): Grouping {
  return {
    ipv4Mask: ipaddr.IPv4.subnetMaskFromPrefixLength(parts.ipv4Length).toString(),
    ipv6Mask: ipaddr.IPv6.subnetMaskFromPrefixLength(parts.ipv6Length).toString(),
    byRemotePort: parts.remotePort,
    byPid: parts.pid,
    byComm: parts.comm,
    byNetns: parts.netns,
    byCgroup: parts.cgroup,
    byOutcome: parts.outcome,
  };
}

/** Cells behind those of the histogram, as in bpf/include/sums.h. */
const CELL_OUTCOME = HISTOGRAM_BUCKETS;
const CELL_LOST_SYN = CELL_OUTCOME + OUTCOMES.length;
const OK = OUTCOMES.indexOf('ok');

/** The cell is the last field of a key: what is before it is the group. */
const GROUP_BYTES = SUM_KEY_SIZE - 2;
const ACTIVE = new Uint8Array(4);

/** Of the cells, when the map is to be emptied: what is new to a full one goes to the group `other`. */
const FILLED = 0.5;
const LEAST_REST_NS = 50e6;
const MOST_REST_NS = 1e9;
/** A process that is asked what it is part of has to be there still. */
const MOST_REST_OF_PROCESSES_NS = 100e6;

export class HandshakeSums {
  /** How long the cells will have room, in ns. */
  restNs: number;
  private readonly mostRestNs: number;
  private readonly active: BpfMap;
  /** The first is the one in `active`. */
  private readonly cells: [BpfMap, BpfMap];
  private readonly other: OtherCells;
  private takenNs: number | undefined;

  constructor(
    private readonly program: Program,
    parts: FlowParts,
  ) {
    this.mostRestNs = parts.cgroup && parts.pid ? MOST_REST_OF_PROCESSES_NS : MOST_REST_NS;
    this.restNs = this.mostRestNs;
    this.active = program.map('active_cells');
    this.cells = [program.map('cells_even'), program.map('cells_odd')];
    this.other = new OtherCells(program);
  }

  /** What was counted since the last call, a sum a group. */
  take(nowNs: number): HandshakeSum[] {
    const [counted, empty] = this.cells;
    this.active.putMap(ACTIVE, empty);
    this.cells.reverse();
    const { keys, values, count } = counted.take();
    this.adaptRest(count / counted.maxEntries, nowNs);
    const sums = sumsOf(keys, values, count);
    const other = this.other.take();
    return other ? [...sums, other] : sums;
  }

  /** What ended in each network namespace since the start. */
  tallies(): [netns: number, tally: Tally][] {
    const { keys, values, count } = this.program.map('tallies').entries();
    const [namespaces, counts] = [keys, values].map(
      (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    );
    return Array.from({ length: count }, (_, index) => [
      namespaces!.getUint32(index * 4, true),
      decodeTally(counts!, index * TALLY_SIZE),
    ]);
  }

  private adaptRest(filled: number, nowNs: number): void {
    const tookNs = nowNs - (this.takenNs ?? nowNs);
    this.takenNs = nowNs;
    if (tookNs <= 0) return;
    const untilFilledNs = filled > 0 ? (tookNs * FILLED) / filled : Infinity;
    this.restNs = Math.min(Math.max(untilFilledNs, LEAST_REST_NS), this.mostRestNs);
  }
}

/** The cells of what full maps had no room for: they count from the start on. */
class OtherCells {
  private events = 0;
  private readonly before: number[] = [];

  constructor(private readonly program: Program) {}

  /** What was counted since the last call; undefined if there was nothing. */
  take(): HandshakeSum | undefined {
    const events = this.program.counter('other');
    if (events === this.events) return undefined;
    this.events = events;
    const sum = emptySum(NO_GROUP, true);
    for (const [cell, cpus] of this.program.perCpuEntries('other_cells', decodeSum).entries()) {
      const { count, minNs, maxNs } = total(cpus);
      const grown = count - (this.before[cell] ?? 0);
      this.before[cell] = count;
      if (grown > 0) add(sum, cell, { count: grown, minNs, maxNs });
    }
    return sum;
  }
}

function total(cpus: readonly Sum[]): Sum {
  const counted = cpus.filter(({ count }) => count > 0);
  return {
    count: counted.reduce((sum, { count }) => sum + count, 0),
    minNs: Math.min(...counted.map(({ minNs }) => minNs)),
    maxNs: Math.max(...counted.map(({ maxNs }) => maxNs)),
  };
}

function sumsOf(keys: Uint8Array, values: Uint8Array, count: number): HandshakeSum[] {
  const bytes = Buffer.from(keys.buffer, keys.byteOffset, keys.byteLength);
  const keyView = new DataView(keys.buffer, keys.byteOffset, keys.byteLength);
  const valueView = new DataView(values.buffer, values.byteOffset, values.byteLength);
  const groups = new Map<string, HandshakeSum>();
  for (let index = 0; index < count; index++) {
    const at = index * SUM_KEY_SIZE;
    const id = bytes.toString('latin1', at, at + GROUP_BYTES);
    let sum = groups.get(id);
    if (!sum) groups.set(id, (sum = emptySum(decodeSumKey(keyView, at), false)));
    add(sum, keyView.getUint16(at + GROUP_BYTES, true), decodeSum(valueView, index * SUM_SIZE));
  }
  return [...groups.values()];
}

function add({ counts }: HandshakeSum, cell: number, { count, minNs, maxNs }: Sum): void {
  if (cell === CELL_LOST_SYN) counts.lostSyn += count;
  else if (cell >= CELL_OUTCOME) counts.outcomes[cell - CELL_OUTCOME]! += count;
  else {
    counts.outcomes[OK]! += count;
    counts.latencies.push({ bucket: cell, count, minNs, maxNs });
  }
}

const NO_GROUP: SumKey = {
  remoteAddress: '::',
  cgroupId: 0,
  netns: 0,
  pid: 0,
  comm: '',
  outcome: 'ok',
  remotePort: 0,
  cell: 0,
};

function emptySum(key: SumKey, isOther: boolean): HandshakeSum {
  const { remoteAddress, remotePort, netns, cgroupId, pid, comm, outcome } = key;
  return {
    type: 'sum',
    localAddress: '::',
    localPort: 0,
    remoteAddress,
    remotePort,
    netns,
    cgroupId,
    uid: 0,
    pid,
    comm,
    outcome,
    counts: { outcomes: OUTCOMES.map(() => 0), lostSyn: 0, latencies: [] },
    isOther,
  };
}
