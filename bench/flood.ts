/** Parts `flood` and `minute`: how many events a second a connlat takes without losing one, and what happens beyond. */
import { cpuTime, megabytes, memory, untilCalm } from './measure.js';
import { generate, type Generate, type Generated } from './generator.js';
import { fewRounds, rowsOf, type Part } from './part.js';
import type { Column, Sample } from './table.js';
import { start } from './tools.js';
import type { Sink, TracingProcess } from './tracing.js';

const RATES = [10, 20, 40, 70, 100, 130, 170, 250, 400].map((each) => each * 1000);
const STEP_SECONDS = 4;
/** The peak of the hosts that this was made for. */
const PEAK = { perSecond: 170_000, seconds: 60, remotes: 1000 };
const REMOTES = 1000;
/** The generator shares the machine: at a rate that it does not reach there is nothing to be learned. */
const REACHED = 0.95;

interface Subject {
  name: string;
  words: string;
  sink: Sink;
  keys?: string;
}

/** To nowhere: a minute of rows is gigabytes. */
export const JSON_LINES: Subject = { name: 'connlat --json', words: 'connlat --json', sink: 'null' };
export const BY_REMOTE: Subject = {
  name: 'connlat --by remote',
  words: 'connlat --by remote',
  sink: 'null',
  keys: 'remote',
};
const SUBJECTS: Subject[] = [
  { name: 'connlat', words: 'connlat', sink: 'null' },
  { name: 'connlat to a terminal', words: 'connlat', sink: 'terminal' },
  JSON_LINES,
  BY_REMOTE,
  { name: 'connlat --hist', words: 'connlat --hist', sink: 'null' },
];

const FLOOD_COLUMNS: Column[] = [
  { header: 'most events/s without a loss', figure: 'perSecond', decimals: 0 },
  { header: 'CPU %', figure: 'cpuShare', decimals: 0 },
  { header: 'MB', figure: 'megabytes', decimals: 0 },
  { header: 'then at events/s', figure: 'beyondPerSecond', decimals: 0 },
  { header: 'lost %', figure: 'beyondLost', decimals: 1 },
  { header: 'CPU %', figure: 'beyondCpuShare', decimals: 0 },
  { header: 'MB', figure: 'beyondMegabytes', decimals: 0 },
];

export const flood: Part = {
  name: 'flood',
  async run(bench) {
    const measure = async (subject: Subject): Promise<Sample> => {
      const tracing = await start(subject.words.split(' '), subject.sink);
      let figures: Record<string, number> = {};
      let complaint = `no loss at ${RATES.at(-1)!.toLocaleString('en')}/s`;
      for (const perSecond of RATES) {
        bench.progress(`${subject.name}, ${perSecond}/s`);
        const next = await flooded(tracing, subject, { perSecond, seconds: STEP_SECONDS, remotes: REMOTES });
        if (next.lost > 0) {
          figures = { ...figures, ...beyond(next) };
          complaint = '';
          break;
        }
        if (next.perSecond < perSecond * REACHED) {
          complaint = 'no loss at as many as the generator could make';
          break;
        }
        figures = figuresOf(next);
      }
      await tracing.stop();
      return { figures, complaint };
    };
    const rows = await rowsOf(fewRounds(bench), SUBJECTS, measure);
    return [{ title: 'The highest rate', columns: FLOOD_COLUMNS, rows }];
  },
};

const MINUTE_COLUMNS: Column[] = [
  { header: 'events', figure: 'submitted', decimals: 0, medianOnly: true },
  { header: 'events/s', figure: 'perSecond', decimals: 0 },
  { header: 'lost', figure: 'lost', decimals: 0 },
  { header: 'not in its summary', figure: 'missing', decimals: 0 },
  { header: 'CPU %', figure: 'cpuShare', decimals: 1 },
  { header: 'user µs an event', figure: 'user', decimals: 3 },
  { header: 'CPU µs an event', figure: 'cpu', decimals: 3 },
  { header: 'MB', figure: 'megabytes', decimals: 0 },
  { header: 'generator: CPU %', figure: 'generator', decimals: 0 },
];

export const minute: Part = {
  name: 'minute',
  async run(bench) {
    const measure = async (subject: Subject): Promise<Sample> => {
      const tracing = await start(subject.words.split(' '), subject.sink);
      const flood = await flooded(tracing, subject, PEAK);
      const complaint = await tracing.stop();
      const { submitted, lost, userUs, cpuUs, generatorShare } = flood;
      // Other connections of the machine are in the summary too.
      const missing = Math.max(0, submitted - lost - attemptsIn(tracing.stderr));
      return {
        figures: {
          ...figuresOf(flood),
          submitted,
          lost,
          missing,
          user: userUs / submitted,
          cpu: cpuUs / submitted,
          generator: generatorShare * 100,
        },
        complaint,
      };
    };
    const rows = await rowsOf(fewRounds(bench), [JSON_LINES, BY_REMOTE], measure);
    const rate = `${PEAK.perSecond.toLocaleString('en')} events/s for ${PEAK.seconds} s`;
    return [{ title: rate, columns: MINUTE_COLUMNS, rows }];
  },
};

/** What a flood did to the process that was in it. */
export interface Flooded extends Generated {
  userUs: number;
  cpuUs: number;
  /** Of a CPU. */
  cpuShare: number;
  megabytes: number;
  generatorShare: number;
}

export async function flooded(
  tracing: TracingProcess,
  { keys }: Pick<Subject, 'keys'>,
  options: Omit<Generate, 'keys'>,
): Promise<Flooded> {
  const before = cpuTime(tracing.pid);
  const generated = await generate(tracing.pid, keys === undefined ? options : { ...options, keys });
  await untilCalm(tracing.pid);
  const after = cpuTime(tracing.pid);
  const cpuUs = after.total - before.total;
  return {
    ...generated,
    generatorShare: generated.cpuShare,
    userUs: after.user - before.user,
    cpuUs,
    cpuShare: cpuUs / (options.seconds * 1e6),
    megabytes: megabytes(memory(tracing.pid).now),
  };
}

const figuresOf = ({ perSecond, cpuShare, megabytes }: Flooded): Record<string, number> => ({
  perSecond,
  cpuShare: cpuShare * 100,
  megabytes,
});

const beyond = ({ perSecond, submitted, lost, cpuShare, megabytes }: Flooded): Record<string, number> => ({
  beyondPerSecond: perSecond,
  beyondLost: (lost / submitted) * 100,
  beyondCpuShare: cpuShare * 100,
  beyondMegabytes: megabytes,
});

function attemptsIn(summary: string): number {
  return Number(/([\d,]+) attempts? in/.exec(summary)?.[1]?.replaceAll(',', '') ?? NaN);
}
