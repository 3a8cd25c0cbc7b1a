/** What the kernel sums up by group: bpf/include/sums.h. */
import ipaddr from 'ipaddr.js';
import type { BpfMap } from '#bpf-native-bindings';
import {
  decodeSum,
  decodeSumKey,
  SUM_KEY_SIZE,
  SUM_SIZE,
  type Grouping,
  type Sum,
  type SumKey,
} from '../events/shared.js';
import type { FlowParts } from '../model/flow-parts.js';
import type { Flow } from '../model/flow.js';
import type { Program } from './program.js';

/** Maps that are not needed where every event is sent. */
export const SUM_MAPS = ['places', 'cells_even', 'cells_odd', 'active_cells', 'other_cells'] as const;

/** How the kernel is told what makes groups. */
export function groupingBy(parts: FlowParts): Grouping {
  return {
    ipv4Mask: ipaddr.IPv4.subnetMaskFromPrefixLength(parts.ipv4Length).toString(),
    ipv6Mask: ipaddr.IPv6.subnetMaskFromPrefixLength(parts.ipv6Length).toString(),
    byPlace: parts.place,
    byRemotePort: parts.remotePort,
    byPid: parts.pid,
    byComm: parts.comm,
    byNetns: parts.netns,
    byCgroup: parts.cgroup,
    byOutcome: parts.outcome,
  };
}

/** One number of a group: how often, and the least and the greatest of what was counted. */
export interface Cell extends Sum {
  cell: number;
}

/** What was counted in a group. */
export interface GroupCells {
  /** Its `cell` says nothing. */
  key: SumKey;
  /** True of the group that takes what there was no room for. */
  isOther: boolean;
  cells: Cell[];
}

/** A flow that has only what makes the group; the rest is 0 or empty. */
export function flowOfGroup({ remoteAddress, remotePort, netns, cgroupId, pid, comm }: SumKey): Flow {
  return {
    localAddress: '::',
    localPort: 0,
    remoteAddress,
    remotePort,
    netns,
    cgroupId,
    uid: 0,
    pid,
    comm,
  };
}

/** The cell is the last field of a key: what is before it is the group. */
const GROUP_BYTES = SUM_KEY_SIZE - 2;
const ACTIVE = new Uint8Array(4);

/** Of the cells, when the map is to be emptied: what is new to a full one goes to the group `other`. */
const FILLED = 0.5;
const LEAST_REST_NS = 50e6;
const MOST_REST_NS = 1e9;
/** A process that is asked what it is part of has to be there still. */
const MOST_REST_OF_PROCESSES_NS = 100e6;

export class Sums {
  /** How long the cells will have room, in ns. */
  restNs: number;
  private readonly mostRestNs: number;
  private readonly active: BpfMap;
  /** The first is the one in `active`. */
  private readonly cells: [BpfMap, BpfMap];
  private readonly other: OtherCells;
  private takenNs: number | undefined;
  /** The kernel's count of what it has summed up, at the last look. */
  private summed = 0;

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

  /** What was counted since the last call. */
  take(nowNs: number): GroupCells[] {
    const summed = this.program.counter('summed');
    if (summed === this.summed) {
      // To put another map there would be to wait for all programs.
      this.adaptRest(0, nowNs);
      return [];
    }
    this.summed = summed;
    const [counted, empty] = this.cells;
    this.active.putMap(ACTIVE, empty);
    this.cells.reverse();
    const { keys, values, count } = counted.take();
    this.adaptRest(count / counted.maxEntries, nowNs);
    const groups = groupsOf(keys, values, count);
    const other = this.other.take();
    if (other.length > 0) groups.push({ key: NO_GROUP, isOther: true, cells: other });
    return groups;
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

  /** What was counted since the last call. */
  take(): Cell[] {
    const events = this.program.counter('other');
    if (events === this.events) return [];
    this.events = events;
    const cells = this.program.perCpuEntries('other_cells', decodeSum).map((cpus, cell) => {
      const { count, minNs, maxNs } = total(cpus);
      const grown = count - (this.before[cell] ?? 0);
      this.before[cell] = count;
      return { cell, count: grown, minNs, maxNs };
    });
    return cells.filter(({ count }) => count > 0);
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

function groupsOf(keys: Uint8Array, values: Uint8Array, count: number): GroupCells[] {
  const bytes = Buffer.from(keys.buffer, keys.byteOffset, keys.byteLength);
  const keyView = new DataView(keys.buffer, keys.byteOffset, keys.byteLength);
  const valueView = new DataView(values.buffer, values.byteOffset, values.byteLength);
  const groups = new Map<string, GroupCells>();
  for (let index = 0; index < count; index++) {
    const at = index * SUM_KEY_SIZE;
    const id = bytes.toString('latin1', at, at + GROUP_BYTES);
    let group = groups.get(id);
    if (!group) groups.set(id, (group = { key: decodeSumKey(keyView, at), isOther: false, cells: [] }));
    const cell = keyView.getUint16(at + GROUP_BYTES, true);
    group.cells.push({ cell, ...decodeSum(valueView, index * SUM_SIZE) });
  }
  return [...groups.values()];
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
