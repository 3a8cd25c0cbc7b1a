/** Part `growth`: how the cost grows with the rate of events, with remotes, and with open connections. */
import { loop, Namespace } from '#tcpscope/lab/network.js';
import { BY_REMOTE, flooded, JSON_LINES } from './flood.js';
import { kernelCost } from './kernel.js';
import { megabytes, memory } from './measure.js';
import { openConnections } from './owners.js';
import { fewRounds, rowsOf, type Bench, type Part } from './part.js';
import type { Column, Row, Sample, Table } from './table.js';
import { start, tool } from './tools.js';

const RATES = [1000, 10_000, 50_000, 100_000, 170_000];
const REMOTES = [10, 1000, 10_000, 100_000];
const CONNECTIONS = [0, 1000, 10_000, 50_000];
const SECONDS = 5;
const FEW_REMOTES = 1000;
const MODERATE_RATE = 50_000;
const HANDSHAKES = 50_000;
/** Of the loop: connections that stay have the next ones. */
const PORT = 8999;

const COLUMNS: Column[] = [
  { header: 'CPU %', figure: 'cpuShare', decimals: 1 },
  { header: 'CPU µs an event', figure: 'cpu', decimals: 3 },
  { header: 'kernel ns a handshake', figure: 'kernelNs', decimals: 0 },
  { header: 'MB', figure: 'megabytes', decimals: 0 },
  { header: 'lost %', figure: 'lost', decimals: 1 },
];

export const growth: Part = {
  name: 'growth',
  async run(given) {
    const bench = fewRounds(given);
    const flood = async (
      { words, sink, keys }: typeof JSON_LINES,
      perSecond: number,
      remotes: number,
    ): Promise<Sample> => {
      const tracing = await start(words.split(' '), sink);
      const options = { perSecond, seconds: SECONDS, remotes };
      const result = await flooded(tracing, keys === undefined ? {} : { keys }, options);
      await tracing.stop();
      const { submitted, cpuShare, cpuUs, lost, megabytes } = result;
      return {
        figures: {
          cpuShare: cpuShare * 100,
          cpu: cpuUs / submitted,
          megabytes,
          lost: (lost / submitted) * 100,
        },
      };
    };
    const byRate = [JSON_LINES, BY_REMOTE].flatMap((subject) =>
      RATES.map((rate) => ({ name: `${subject.name}, ${rate.toLocaleString('en')}/s`, subject, rate })),
    );
    const byRemotes = REMOTES.map((remotes) => ({
      name: `${remotes.toLocaleString('en')} remotes`,
      remotes,
    }));
    return [
      {
        title: 'With the rate of events',
        columns: COLUMNS,
        rows: await rowsOf(bench, byRate, ({ subject, rate }) => flood(subject, rate, FEW_REMOTES)),
      },
      {
        title: `With remotes: connlat --by remote, ${MODERATE_RATE.toLocaleString('en')} events/s`,
        columns: COLUMNS,
        rows: await rowsOf(bench, byRemotes, ({ remotes }) => flood(BY_REMOTE, MODERATE_RATE, remotes)),
      },
      await withConnections(bench),
    ];
  },
};

async function withConnections(bench: Bench): Promise<Table> {
  const tracers = ['connlat', 'connlat --by remote', 'retrans', 'retrans --by remote'].map((words) =>
    tool(words),
  );
  const host = await Namespace.create('growth');
  try {
    await host.sysctl('net.ipv4.ip_local_port_range', '10000 65535');
    const rows: Row[] = [];
    for (const [index, connections] of CONNECTIONS.entries()) {
      bench.progress(`${connections} open connections`);
      await openConnections(host, connections - (CONNECTIONS[index - 1] ?? 0));
      const measure = async (subject: (typeof tracers)[number]): Promise<Sample> => {
        let resident = 0;
        const { ns, complaint } = await kernelCost(subject, async ({ pid }) => {
          await loop(HANDSHAKES, PORT, {}, host);
          resident = memory(pid!).now;
        });
        return { figures: { kernelNs: ns / HANDSHAKES, megabytes: megabytes(resident) }, complaint };
      };
      const measured = await rowsOf(bench, tracers, measure);
      rows.push(
        ...measured.map((row) => ({ ...row, name: `${row.name}, ${connections.toLocaleString('en')}` })),
      );
    }
    return { title: 'With open connections', columns: COLUMNS, rows };
  } finally {
    bench.progress('closing connections');
    await host.destroy();
  }
}
