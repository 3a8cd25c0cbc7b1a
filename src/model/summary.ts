import type { LatencyHistogram } from './histogram.js';

/** What the summary at the end of a session says, of whatever the command watched. */
export interface SummaryFacts {
  /** What was watched, in the plural: `attempts`. */
  noun: string;
  count: number;
  /** How they ended: `['ok', 1198]`, `['refused', 2]`. Zeros are left out. */
  outcomes: readonly (readonly [label: string, count: number])[];
  /** Further clauses: `3 lost a SYN`. */
  notes: readonly string[];
  /** `ok latency` and its distribution; absent where the command has none. */
  latency?: { label: string; histogram: LatencyHistogram };
  /** Items whose owner is not known. */
  ownersUnknown: number;
}

/** What was counted but not shown. */
export interface Unshown {
  rows: number;
  /** Why rows were not: `slow output`, `--max-cpu`. */
  reasons: readonly string[];
  /** Tables, histograms. */
  intervals: number;
}
