/** What sockets sent that came and went between two looks at all of them, summed up by the kernel: bpf/retrans.bpf.c. */
import type { SocketGrowth } from '../model/retransmit.js';
import { flowOfGroup, type GroupCells } from './sums.js';

/** As in bpf/retrans.bpf.c. */
const CELL_SENT = 0;
const CELL_SPURIOUS = 1;

/** The sockets of a group as if they were one. */
export function socketGrowth({ key, isOther, cells }: GroupCells, nowNs: number): SocketGrowth {
  const counted = (which: number): number => cells.find(({ cell }) => cell === which)?.count ?? 0;
  return {
    type: 'socket',
    timeNs: nowNs,
    ...flowOfGroup(key),
    segsOut: counted(CELL_SENT),
    spurious: counted(CELL_SPURIOUS),
    undone: 0,
    isOther,
  };
}
