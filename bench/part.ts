/** What the parts of the benchmark have in common: where they work, and how they repeat. */
import type { Namespace } from '#tcpscope/lab/network.js';
import { rowOf, type Row, type Sample, type Table } from './table.js';

/** Where a part works. */
export interface Bench {
  /** A network namespace of its own, for traffic over loopback. */
  host: Namespace;
  /** One whose loopback loses every SYN of the storm. */
  silence: Namespace;
  rounds: number;
  progress: (what: string) => void;
  leaveOut: (why: string) => void;
}

export interface Part {
  name: string;
  run(bench: Bench): Promise<Table[]>;
}

export interface Subject {
  name: string;
}

/**
 * Measures every subject once a round, so that what else the machine does troubles all of them alike. One that fails complains, and the
 * others go on.
 */
export async function samplesOf<S extends Subject>(
  { rounds, progress }: Bench,
  subjects: readonly S[],
  measure: (subject: S) => Promise<Sample>,
): Promise<Map<S, Sample[]>> {
  const samples = new Map(subjects.map((subject): [S, Sample[]] => [subject, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const subject of subjects) {
      progress(`round ${round} of ${rounds}: ${subject.name}`);
      const sample = await measure(subject).catch((error: unknown) => ({
        figures: {},
        complaint: (error as Error).message.split('\n')[0]!,
      }));
      samples.get(subject)!.push(sample);
    }
  }
  return samples;
}

/** As above, a row for each subject. */
export async function rowsOf<S extends Subject>(
  bench: Bench,
  subjects: readonly S[],
  measure: (subject: S) => Promise<Sample>,
): Promise<Row[]> {
  const samples = await samplesOf(bench, subjects, measure);
  return subjects.map((subject) => rowOf(subject.name, samples.get(subject)!));
}

/** For parts whose runs are long: the least rounds that give a median. */
export const fewRounds = (bench: Bench): Bench => ({ ...bench, rounds: Math.min(bench.rounds, 3) });
