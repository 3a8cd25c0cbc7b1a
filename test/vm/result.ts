/** What a guest tells of each test, as a line of JSON. */
export interface TestResult {
  title: string;
  state: 'passed' | 'failed' | 'skipped';
  durationMs: number;
  /** Why it was skipped, or what failed. */
  text: string;
}

/** Why those are skipped that guests leave out (`onHost` of features.ts). */
export const HOST_ONLY = 'on the host only';

/** Why others were skipped, by the title of their suite. Here, as a reporter is loaded before there are suites. */
export const skipReasons = new Map<string, string>();
