/** Handshakes that the kernel sums up: bpf/include/handshake.h. */
import { decodeTally, OUTCOMES, TALLY_SIZE, type Tally } from '../events/shared.js';
import type { HandshakeSum } from '../model/handshake.js';
import { HISTOGRAM_BUCKETS } from '../model/histogram.js';
import type { Program } from './program.js';
import { flowOfGroup, SUM_MAPS, type GroupCells } from './sums.js';

/** Maps that are not needed where every event is sent. */
export const HANDSHAKE_SUM_MAPS = [...SUM_MAPS, 'tallies'] as const;

/** Cells behind those of the histogram, as in bpf/include/handshake.h. */
const CELL_OUTCOME = HISTOGRAM_BUCKETS;
const CELL_LOST_SYN = CELL_OUTCOME + OUTCOMES.length;
const OK = OUTCOMES.indexOf('ok');

export function handshakeSum({ key, isOther, cells }: GroupCells): HandshakeSum {
  const sum: HandshakeSum = {
    type: 'sum',
    ...flowOfGroup(key),
    outcome: key.outcome,
    counts: { outcomes: OUTCOMES.map(() => 0), lostSyn: 0, latencies: [] },
    isOther,
  };
  const { counts } = sum;
  for (const { cell, count, minNs, maxNs } of cells) {
    if (cell === CELL_LOST_SYN) counts.lostSyn += count;
    else if (cell >= CELL_OUTCOME) counts.outcomes[cell - CELL_OUTCOME]! += count;
    else {
      counts.outcomes[OK]! += count;
      counts.latencies.push({ bucket: cell, count, minNs, maxNs });
    }
  }
  return sum;
}

/** What ended in each network namespace since the start. */
export function talliesOf(program: Program): [netns: number, tally: Tally][] {
  const { keys, values, count } = program.map('tallies').entries();
  const [namespaces, tallies] = [keys, values].map(
    (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  );
  return Array.from({ length: count }, (_, index) => [
    namespaces!.getUint32(index * 4, true),
    decodeTally(tallies!, index * TALLY_SIZE),
  ]);
}
