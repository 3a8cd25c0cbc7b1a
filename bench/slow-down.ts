/** Part `slow-down`: how much later a program is done that makes handshakes as fast as it can. */
import { loop } from '#tcpscope/lab/network.js';
import { FLOOR, HANDSHAKES, PORT, PROTOTYPE, TRAFFIC_CPU } from './kernel.js';
import { rowsOf, type Part } from './part.js';
import { HANDSHAKE_PEERS, HISTOGRAM_PEER, tracerOf, working } from './peers.js';
import type { Column, Sample } from './table.js';
import { retrans, tool } from './tools.js';
import { NOTHING, type Tracer } from './tracing.js';

const COLUMNS: Column[] = [
  { header: 'handshakes/s', figure: 'perSecond', decimals: 0 },
  { header: 'handshake µs', figure: 'us', decimals: 1, medianOnly: true },
  { header: 'slow-down %', figure: 'slowDown', decimals: 1 },
];

export const slowDown: Part = {
  name: 'slow-down',
  async run(bench) {
    const peers = await working([...HANDSHAKE_PEERS, HISTOGRAM_PEER], bench.leaveOut);
    const tracers = [
      NOTHING,
      FLOOR,
      PROTOTYPE,
      tool('connlat', 'file'),
      tool('connlat --json', 'file'),
      tool('connlat --by remote'),
      tool('connlat --hist'),
      retrans('retrans'),
      ...peers.map((peer) => tracerOf(peer)),
    ];
    const rate = async (tracer: Tracer): Promise<{ perSecond: number; complaint: string }> => {
      const tracing = await tracer.start();
      const { perSecond } = await loop(HANDSHAKES, PORT, { cpu: TRAFFIC_CPU }, bench.host);
      return { perSecond, complaint: await tracing.stop() };
    };
    // Each run beside one without a tool: what else the machine does changes within seconds.
    const measure = async (tracer: Tracer): Promise<Sample> => {
      const alone = await rate(NOTHING);
      const { perSecond, complaint } = await rate(tracer);
      const slowDown = (alone.perSecond / perSecond - 1) * 100;
      return { figures: { perSecond, us: 1e6 / perSecond, slowDown }, complaint };
    };
    return [{ title: 'Slow-down', columns: COLUMNS, rows: await rowsOf(bench, tracers, measure) }];
  },
};
