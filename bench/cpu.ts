/** Part `cpu`: CPU time of the process that reads the events, an event, by the rate of them. */
import { loop } from '#tcpscope/lab/network.js';
import { PORT, TRAFFIC_CPU } from './kernel.js';
import { cpuTime, untilCalm } from './measure.js';
import { fewRounds, samplesOf, type Bench, type Part } from './part.js';
import { HANDSHAKE_PEERS, tracerOf, working } from './peers.js';
import { retransmissions } from './silence.js';
import { rowOf, type Column, type Sample } from './table.js';
import { tool } from './tools.js';
import type { Tracer } from './tracing.js';

/** Handshakes or retransmissions a second. Full: as fast as one thread makes them, some 35,000/s. */
const RATES = [100, 1000, 10_000, 'full'] as const;
type Rate = (typeof RATES)[number];

/** At a rate where little is to be done, time is counted longer. */
const SECONDS: Record<Rate, number> = { 100: 10, 1000: 5, 10_000: 5, full: 5 };
/** Enough for the figure not to be that of code that V8 has yet to compile. */
const AT_FULL_RATE = 200_000;
const AT_FULL_RATE_SUMMED = 1_000_000;
/** Of a sleep of the traffic program and of a handshake, µs. */
const OVERHEAD_US = 90;

interface Load {
  tracer: Tracer;
  of: 'handshakes' | 'sums' | 'retransmissions';
}

/** The storm knows no full rate: at 20,000 connects/s it has more sockets than a process may have. */
const ratesOf = ({ of }: Load): readonly Rate[] =>
  of === 'retransmissions' ? RATES.filter((rate) => rate !== 'full') : RATES;

const label = (rate: Rate): string => (rate === 'full' ? 'full rate' : `${rate.toLocaleString('en')}/s`);

const columns = (figure: 'user' | 'cpu'): Column[] =>
  RATES.map((rate) => ({ header: label(rate), figure: `${figure} ${rate}`, decimals: 2 }));

export const cpu: Part = {
  name: 'cpu',
  async run(bench) {
    const peers = await working(HANDSHAKE_PEERS, bench.leaveOut);
    const loads: Load[] = [
      { tracer: tool('connlat', 'file'), of: 'handshakes' },
      { tracer: tool('connlat', 'terminal'), of: 'handshakes' },
      { tracer: tool('connlat --json', 'file'), of: 'handshakes' },
      { tracer: tool('connlat --by remote', 'file'), of: 'sums' },
      { tracer: tool('connlat --by remote', 'terminal'), of: 'sums' },
      { tracer: tool('connlat --hist', 'file'), of: 'sums' },
      { tracer: tool('retrans', 'file'), of: 'retransmissions' },
      { tracer: tool('retrans --json', 'file'), of: 'retransmissions' },
      ...peers.map((peer): Load => ({ tracer: tracerOf(peer, 'file'), of: 'handshakes' })),
      ...peers
        .filter(({ package: from }) => from === 'libbpf-tools')
        .map((peer): Load => ({ tracer: tracerOf(peer, 'terminal'), of: 'handshakes' })),
    ];
    const subjects = loads.flatMap((load) =>
      ratesOf(load).map((rate) => ({ name: `${load.tracer.name}, ${label(rate)}`, load, rate })),
    );
    const samples = await samplesOf(fewRounds(bench), subjects, ({ load, rate }) =>
      measure(bench, load, rate),
    );
    const rows = loads.map((load) => {
      const own = subjects.filter((subject) => subject.load === load);
      return rowOf(
        load.tracer.name,
        own.flatMap((subject) => samples.get(subject)!),
      );
    });
    return [
      { title: 'User CPU µs an event', columns: columns('user'), rows },
      {
        title: 'CPU µs an event, with the part of the kernel',
        columns: columns('cpu'),
        rows: rows.map((row) => ({ ...row, complaints: [] })),
      },
    ];
  },
};

async function measure(bench: Bench, load: Load, rate: Rate): Promise<Sample> {
  const tracing = await load.tracer.start();
  const pid = tracing.pid!;
  const before = cpuTime(pid);
  const events = await make(bench, load, rate);
  await untilCalm(pid);
  const after = cpuTime(pid);
  return {
    figures: {
      [`user ${rate}`]: (after.user - before.user) / events,
      [`cpu ${rate}`]: (after.total - before.total) / events,
    },
    complaint: await complaintOf(tracing.stop(), rate),
  };
}

async function complaintOf(stopped: Promise<string>, rate: Rate): Promise<string> {
  const complaint = await stopped;
  return complaint === '' ? '' : `${label(rate)}: ${complaint}`;
}

/** Gives how many events there were. */
async function make({ host, silence }: Bench, { of }: Load, rate: Rate): Promise<number> {
  if (of === 'retransmissions') return retransmissions(silence, Number(rate), SECONDS[rate])();
  if (rate === 'full') {
    const { handshakes } = await loop(
      of === 'sums' ? AT_FULL_RATE_SUMMED : AT_FULL_RATE,
      PORT,
      { cpu: TRAFFIC_CPU },
      host,
    );
    return handshakes;
  }
  const gapUs = Math.max(0, Math.round(1e6 / rate - OVERHEAD_US));
  return (await loop(rate * SECONDS[rate], PORT, { gapUs, cpu: TRAFFIC_CPU }, host)).handshakes;
}
